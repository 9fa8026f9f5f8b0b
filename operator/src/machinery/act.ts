/**
 * Executes a plan against the API. Knows no kind.
 *
 * Steps run in the order given and stop at the first failure or `wait`; each is idempotent, so a pass
 * that was cut off anywhere is finished by the next one. Applies that would change nothing are left
 * out. A first apply looks whether the name is taken by something that is not ours, since a forced
 * apply would take it over silently. After the steps, children that we control and that the plan no
 * longer names are deleted by uid and version; never when the plan is empty or was not finished,
 * because then a missing name means "not known yet" and not "not wanted". What cannot be undone is
 * announced to `intend` first, and done only if that resolves.
 */
import { Transient } from '@millrace/kit/transient';
import { isAsWanted, isSameWish, withDigest } from './desired.ts';
import { driftOf, type FoundDrift } from './drift.ts';
import type { Irreversible } from './intent.ts';
import type { KubeApi, KubeObject, ResourceType } from './kube-api.ts';
import { KubeFailure } from './kube-failure.ts';
import { NameTaken } from './name-taken.ts';
import { controllerOf, keyOf } from './object-key.ts';
import type { OwnWrite } from './own-writes.ts';
import { describe, type Plan, type Step, type Target } from './step.ts';

export interface Child {
  readonly type: ResourceType;
  readonly object: KubeObject;
}

export interface ActOptions {
  readonly api: Pick<KubeApi, 'get' | 'apply' | 'patch' | 'scale' | 'delete'>;
  readonly fieldManager: string;
  /** A manager of its own for replicas, so that an autoscaler can take exactly that field over. */
  readonly scaleManager: string;
  readonly record: (write: OwnWrite) => void;
  /**
   * Called before each step that cannot be undone, which is left out when this fails. Resolves with
   * the resource as the announcement left it.
   */
  readonly intend?: (step: Irreversible) => Promise<KubeObject | undefined>;
  /** Called once before anything is made; nothing is when this fails. */
  readonly confirm?: () => Promise<void>;
  /** Told of what somebody else had changed, once it has been put back. */
  readonly drifted?: (drift: FoundDrift) => void;
}

export interface Pass {
  /** The uid that controls the children. */
  readonly owner: string;
  readonly plan: Plan;
  /** What is in the cluster now, as cached, whoever controls it. */
  readonly children: readonly Child[];
}

export interface ActResult {
  /** The steps that changed something, for people. */
  readonly changed: readonly string[];
  readonly waitingFor: string | undefined;
  readonly requeueAfterMs: number | undefined;
}

export async function act(pass: Pass, options: ActOptions): Promise<ActResult> {
  const changed: string[] = [];
  for (const step of pass.plan.steps) {
    if (step.op === 'wait') {
      return { changed, waitingFor: step.for, requeueAfterMs: step.requeueAfterMs };
    }
    if (await execute(step, pass, options)) changed.push(describe(step));
  }
  for (const step of prune(pass)) {
    if (await execute(step, pass, options)) changed.push(describe(step));
  }
  return { changed, waitingFor: undefined, requeueAfterMs: undefined };
}

/** Deletions of what we control and no longer want. */
export function prune({ owner, plan, children }: Pass): readonly Step[] {
  if (plan.steps.length === 0 && plan.keep.length === 0) return [];
  const wanted = new Set([...plan.keep, ...plan.steps.flatMap(targetsOf)].map(nameOf));
  return children.flatMap(({ type, object }): Step[] => {
    const { uid, resourceVersion, deletionTimestamp, namespace, name } = object.metadata;
    const target = { type, ref: { namespace, name } };
    if (uid === undefined || deletionTimestamp !== undefined) return [];
    if (controllerOf(object)?.uid !== owner || wanted.has(nameOf(target))) return [];
    return [
      { op: 'delete', ...target, uid, resourceVersion, reason: 'no longer part of the plan' },
    ];
  });
}

function targetsOf(step: Step): readonly Target[] {
  if (step.op === 'wait') return [];
  if (step.op !== 'apply') return [step];
  const { namespace, name } = step.object.metadata;
  return [{ type: step.type, ref: { namespace, name } }];
}

function nameOf({ type, ref }: Target): string {
  return `${type.apiVersion}/${type.kind} ${keyOf(ref)}`;
}

type Executable = Exclude<Step, { op: 'wait' }>;

async function execute(step: Step, pass: Pass, options: ActOptions): Promise<boolean> {
  switch (step.op) {
    case 'apply':
      return await apply(step, pass, options);
    case 'scale':
      await options.api.scale(step.type, step.ref, {
        fieldManager: options.scaleManager,
        force: true,
        replicas: step.isAsFound === true ? await present(step, options) : step.replicas,
      });
      return true;
    case 'patch':
      return await patch(step, options);
    case 'delete':
      return await remove(step, options);
    case 'finalizer':
      return await finalize(step, options);
    case 'wait':
      return false;
  }
}

/** As many as there are now, whatever the cache believes. */
async function present(
  step: Extract<Executable, { op: 'scale' }>,
  { api }: ActOptions,
): Promise<number> {
  const live = await api.get(step.type, step.ref);
  const { replicas } = (live?.['spec'] ?? {}) as { readonly replicas?: number };
  return replicas ?? step.replicas;
}

/**
 * Objects, as cached, for which an apply of the same wish changed nothing although they look
 * different: the server writes some values in its own way. Asking once per state is enough.
 */
const settled = new WeakSet<KubeObject>();

type ApplyStep = Extract<Executable, { op: 'apply' }>;

async function apply(step: ApplyStep, pass: Pass, options: ActOptions): Promise<boolean> {
  const wanted = withDigest(step.object);
  const { namespace, name } = wanted.metadata;
  const target = { type: step.type, ref: { namespace, name } };
  const cached = heldAt(target, pass);
  const held = cached ?? (await options.api.get(target.type, target.ref));
  if (held === undefined) {
    await options.confirm?.();
    return await writeKnown(target, { step, wanted, held }, options);
  }
  refuseForeign(held, wanted);
  if (isAsAsked(step, wanted, held)) return false;
  if (cached === undefined) refuseOutdated(held, wanted);
  const isUnchangedWish = isSameWish(wanted, held);
  if (isUnchangedWish && settled.has(held)) return false;
  const drift = isUnchangedWish ? await findDrift(target, wanted, options) : undefined;
  const isChanged = await writeKnown(target, { step, wanted, held }, options);
  if (isChanged && drift !== undefined) options.drifted?.(drift);
  return isChanged;
}

/** What was made without a field, because the server did not know it, stays so. */
function isAsAsked({ otherwise }: ApplyStep, wanted: KubeObject, held: KubeObject): boolean {
  if (isAsWanted(wanted, held)) return true;
  return otherwise !== undefined && isAsWanted(withDigest(otherwise), held);
}

/** What a server says that meets a field which is newer than itself. */
const unknownField = 'field not declared in schema';

/** Where the server does not know all of what is wanted: what it does know. */
async function writeKnown(
  target: Target,
  { step, ...change }: Written & { readonly step: ApplyStep },
  options: ActOptions,
): Promise<boolean> {
  try {
    return await write(target, change, options);
  } catch (error) {
    const isUnknown = error instanceof KubeFailure && error.message.includes(unknownField);
    if (step.otherwise === undefined || !isUnknown) throw error;
    return await write(target, { ...change, wanted: withDigest(step.otherwise) }, options);
  }
}

interface Written {
  readonly wanted: KubeObject;
  readonly held: KubeObject | undefined;
}

/** Whether the apply changed anything. */
async function write(
  { type, ref }: Target,
  { wanted, held }: Written,
  options: ActOptions,
): Promise<boolean> {
  const written = await options.api.apply(type, wanted, {
    fieldManager: options.fieldManager,
    // What is made anew has no other owners; if it has by now, this call comes late and must not win.
    force: held !== undefined,
  });
  const { uid, resourceVersion: version } = written.metadata;
  if (held !== undefined && version === held.metadata.resourceVersion) {
    settled.add(held);
    return false;
  }
  options.record({ type, ref, uid, version });
  return true;
}

async function findDrift(
  { type, ref }: Target,
  wanted: KubeObject,
  { api, drifted, fieldManager, scaleManager }: ActOptions,
): Promise<FoundDrift | undefined> {
  if (drifted === undefined) return undefined;
  const live = await api.get(type, ref);
  if (live === undefined) return undefined;
  return driftOf({ type, wanted, live }, [fieldManager, scaleManager]);
}

async function patch(
  step: Extract<Executable, { op: 'patch' }>,
  options: ActOptions,
): Promise<boolean> {
  const written = await options.api.patch(step.type, step.ref, {
    ...step.patch,
    metadata: { uid: step.uid },
  });
  const { uid, resourceVersion: version } = written.metadata;
  options.record({ type: step.type, ref: step.ref, uid, version });
  return true;
}

async function remove(
  step: Extract<Executable, { op: 'delete' }>,
  options: ActOptions,
): Promise<boolean> {
  const { uid, resourceVersion } = step;
  await options.intend?.(step);
  const deleted = await options.api.delete(step.type, step.ref, {
    uid,
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
  });
  options.record({ type: step.type, ref: step.ref, uid, version: undefined });
  return deleted;
}

/**
 * The list of finalizers is replaced as a whole, so it is written against the version it was read
 * at: what somebody else has put there since is not lost.
 */
async function finalize(
  step: Extract<Executable, { op: 'finalizer' }>,
  options: ActOptions,
): Promise<boolean> {
  const { type, ref, uid, present, finalizer, isHeld } = step;
  if (present.includes(finalizer) === isHeld) return false;
  const announced = isHeld ? undefined : await options.intend?.(step);
  const resourceVersion = announced?.metadata.resourceVersion ?? step.resourceVersion;
  const others = present.filter((held) => held !== finalizer);
  const finalizers = isHeld ? [...others, finalizer] : others;
  const written = await options.api.patch(type, ref, {
    metadata: { uid, ...(resourceVersion === undefined ? {} : { resourceVersion }), finalizers },
  });
  // Without the last of them there may be nothing left to see a version of.
  const version = finalizers.length === 0 ? undefined : written.metadata.resourceVersion;
  options.record({ type, ref, uid, version });
  return true;
}

function heldAt(target: Target, { children }: Pass): KubeObject | undefined {
  return children.find(
    ({ type, object }) => type === target.type && keyOf(object.metadata) === keyOf(target.ref),
  )?.object;
}

/**
 * The plan makes anew what is there already: it was made without knowing it, and carrying it out would
 * undo what has been done to the object since, its replicas above all. The cache will hold it, unless
 * the labels are gone by which the cache selects; then the plan puts them back.
 */
function refuseOutdated(held: KubeObject, wanted: KubeObject): void {
  const labels = Object.entries(wanted.metadata.labels ?? {});
  if (labels.some(([key, value]) => held.metadata.labels?.[key] !== value)) return;
  const what = `${held.kind} ${keyOf(held.metadata)}`;
  throw new KubeFailure('Conflict', `${what} exists and is not in the cache yet: decide anew`);
}

/** Fails rather than take over what belongs to somebody else, by name. */
function refuseForeign(held: KubeObject, wanted: KubeObject): void {
  const [holder, claimant] = [controllerOf(held), controllerOf(wanted)];
  if (holder !== undefined && holder.uid === claimant?.uid) return;
  const what = `${held.kind} ${keyOf(held.metadata)}`;
  if (holder === undefined) {
    throw new NameTaken(
      held,
      `${what} exists and was not made by Millrace. Rename or delete it, or rename this resource.`,
    );
  }
  if (holder.kind === claimant?.kind && holder.name === claimant.name) {
    throw new Transient('PredecessorNotGone', `${what} still belongs to a deleted ${holder.kind}.`);
  }
  throw new NameTaken(
    held,
    `${what} belongs to ${holder.kind} ${holder.name}. Rename this resource, or delete that one.`,
  );
}
