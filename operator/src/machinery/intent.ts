/**
 * Irreversible steps, written into the status of the resource before they are taken.
 *
 * An epoch written beside a change fences nothing by itself: a late leader of a lower epoch would
 * simply write over it. What fences is the version that the intent is written against. Of two
 * leaders that decided upon the same state only one gets its intent in, and the other learns from
 * the refusal, or from the higher epoch that it then reads, that its time is over. After a crash the
 * intent says what may have been done already; whether it was, the uid in it tells.
 *
 * An intent is written over by the next one and otherwise left: taking it away would be a call for
 * each deletion, and the object that it names is gone by then, which says as much.
 */
import type { Intent } from '@millrace/crds/operator-notes';
import type { Clock } from '@millrace/kit/clock';
import { Transient } from '@millrace/kit/transient';
import { clip } from './clip.ts';
import type { KubeApi, KubeObject, ResourceType } from './kube-api.ts';
import type { Fence } from './leader-election/fence.ts';
import { refOf, keyOfObject } from './object-key.ts';
import type { OwnWrite } from './own-writes.ts';
import { describe, type Step } from './step.ts';

/** A manager of its own, so that whoever writes the rest of the status leaves the intent alone. */
export const intentManager = 'millrace-intent';
const stepCharactersMax = 256;

export interface IntentOptions {
  readonly api: Pick<KubeApi, 'applyStatus'>;
  readonly fence: Pick<Fence, 'epoch' | 'surrender'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly record: (write: OwnWrite) => void;
}

export interface Resource {
  readonly type: ResourceType;
  /** As the pass saw it: its version is what the decision was made upon. */
  readonly object: KubeObject;
}

export type Irreversible = Extract<Step, { op: 'delete' | 'finalizer' }>;

/**
 * For `ActOptions.intend`, one a pass: each intent is written against the version that the one
 * before it made.
 */
export function intents(
  resource: Resource,
  options: IntentOptions,
): (step: Irreversible) => Promise<KubeObject> {
  let latest = resource.object;
  return async (step) => {
    latest = await declareIntent({ ...resource, object: latest }, step, options);
    return latest;
  };
}

/** Resolves, with the resource as it is now, only if nobody had changed it since it was read. */
export async function declareIntent(
  { type, object }: Resource,
  step: Irreversible,
  { api, fence, clock, record }: IntentOptions,
): Promise<KubeObject> {
  refuseLaterLeader(object, fence);
  const intent: Intent = {
    step: clip(describe(step), stepCharactersMax),
    uid: step.uid,
    epoch: fence.epoch,
    at: new Date(clock.now()).toISOString(),
  };
  return await write({ type, object }, { intent }, { api, record });
}

/** Takes the intent away, where it would mislead whoever reads the status. */
export async function clearIntent(
  resource: Resource,
  options: Pick<IntentOptions, 'api' | 'record'>,
): Promise<KubeObject> {
  return await write(resource, {}, options);
}

export function intentOf(object: KubeObject): Intent | undefined {
  return (object['status'] as { readonly intent?: Intent } | undefined)?.intent;
}

/**
 * A higher epoch than ours on record proves a later leader, whatever the Lease seems to say. Who
 * leads without a Lease has epoch 0, and what leaders before it left says nothing to it.
 */
function refuseLaterLeader(object: KubeObject, fence: IntentOptions['fence']): void {
  const held = intentOf(object);
  if (held === undefined || fence.epoch === 0 || held.epoch <= fence.epoch) return;
  const what = `${object.kind} ${keyOfObject(object)}`;
  fence.surrender(`${what} carries an intent of the later epoch ${held.epoch}`);
  throw new Transient('NotLeading', `A later leader has acted on ${what}: nothing was deleted.`);
}

async function write(
  { type, object }: Resource,
  status: { readonly intent?: Intent },
  { api, record }: Pick<IntentOptions, 'api' | 'record'>,
): Promise<KubeObject> {
  const { namespace, name, uid, resourceVersion } = object.metadata;
  const written = await api.applyStatus(
    type,
    {
      apiVersion: type.apiVersion,
      kind: type.kind,
      metadata: {
        namespace,
        name,
        ...(uid === undefined ? {} : { uid }),
        ...(resourceVersion === undefined ? {} : { resourceVersion }),
      },
      status,
    },
    { fieldManager: intentManager, force: true },
  );
  const { uid: writtenUid, resourceVersion: version } = written.metadata;
  record({ type, ref: refOf(keyOfObject(written)), uid: writtenUid, version });
  return written;
}
