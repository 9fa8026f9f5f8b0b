/**
 * What one resource of a manifest would become, and what the operator would then do. The resource is
 * judged by the server in a dry run; the plan is that of its kind, over what is in the cluster now.
 */
import { exitCode } from '@millrace/kit/exit-code';
import type { ScalingStatus } from '@millrace/crds/scaling';
import type { KubeApi, KubeObject } from '../../machinery/kube-api.ts';
import { KubeFailure } from '../../machinery/kube-failure.ts';
import type { KindPreview, Preview } from '../../machinery/preview.ts';
import { describe } from '../../machinery/step.ts';
import { fieldChanges, type FieldChange } from '../field-changes.ts';
import { CommandFailure } from '../ending.ts';
import { notInstalled } from '../find-resource.ts';
import type { ManifestDocument } from '../manifest-file.ts';
import { refusalLines } from '../refusals.ts';
import { afterApply } from './after-apply.ts';
import { rehearse, type Rehearsed } from './rehearse.ts';
import { worldOf, type Brought } from './world.ts';

export interface ResourcePlan {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** `users.yaml:3` */
  readonly where: string;
  readonly verdict: 'create' | 'change' | 'unchanged' | 'refused';
  /** Lines with file, line and field. */
  readonly refusals: readonly string[];
  readonly changes: readonly FieldChange[];
  /** Why the operator would do something else, or nothing: said before what it would do. */
  readonly remarks: readonly string[];
  /** The operator would not come to what the manifest asks until a person acts. */
  readonly isBlocked: boolean;
  readonly steps: readonly Rehearsed[];
  /** What a later pass does once what is deleted is gone. */
  readonly later: readonly string[];
}

export interface PlanOptions {
  readonly api: KubeApi;
  /** What else the manifest brings into the cluster. */
  readonly brought: readonly Brought[];
  readonly image: Image;
  readonly now: number;
}

export interface Image {
  readonly name: string;
  /** Nobody said it: it is what other resources have, or the default. */
  readonly isGuess: boolean;
}

export interface Asked {
  readonly preview: KindPreview;
  readonly document: ManifestDocument;
  readonly object: KubeObject;
}

export async function planResource(asked: Asked, options: PlanOptions): Promise<ResourcePlan> {
  const { preview, document, object } = asked;
  const { kind, metadata } = object;
  const { namespace, name } = metadata;
  const head = { kind, namespace, name, where: document.whereIs('') };
  const nothing = {
    refusals: [],
    changes: [],
    remarks: [],
    isBlocked: false,
    steps: [],
    later: [],
  };
  const held = await options.api.get(preview.type, metadata);
  const tried = await tryApply({ ...asked, type: preview.type }, held, options.api);
  if ('refusals' in tried) {
    return { ...head, ...nothing, verdict: 'refused', refusals: tried.refusals, isBlocked: true };
  }
  const { result } = tried;
  const changes = fieldChanges(held, result);
  const verdict = held === undefined ? 'create' : changes.length > 0 ? 'change' : 'unchanged';
  const world = worldOf(options.api, { with: options.brought });
  const pinned = imageOf(held);
  const image = pinned ?? options.image.name;
  const input = { object: result, api: world, image, now: options.now };
  const planned = await preview.preview(input);
  const remarks = remarksOf(planned, held);
  if (pinned === undefined && options.image.isGuess) remarks.push(guess(image));
  if (planned.isPaused || held?.metadata.deletionTimestamp !== undefined) {
    return { ...head, ...nothing, verdict, changes, remarks };
  }
  const { steps, deleted, assumed } = await rehearse(planned, {
    api: options.api,
    world,
    kind: preview,
  });
  const isBlocked =
    planned.obstacle !== undefined || steps.some(({ outcome }) => outcome === 'refused');
  return {
    ...head,
    verdict,
    refusals: [],
    changes,
    remarks: [...remarks, ...assumed],
    isBlocked,
    steps,
    later:
      deleted.length === 0
        ? []
        : newSteps(
            planned,
            await preview.preview({ ...input, api: worldOf(world, { without: deleted }) }),
          ),
  };
}

/** An object that only serves resources: what becomes of it, and what it is then. */
export async function planServed(
  document: ManifestDocument,
  { type, object }: Brought,
  api: KubeApi,
): Promise<{ readonly plan: ResourcePlan; readonly brought: readonly Brought[] }> {
  const { namespace, name } = object.metadata;
  const head = { kind: object.kind, namespace, name, where: document.whereIs('') };
  const nothing = {
    refusals: [],
    changes: [],
    remarks: [],
    isBlocked: false,
    steps: [],
    later: [],
  };
  const held = await api.get(type, object.metadata);
  const tried = await tryApply({ type, document, object }, held, api);
  if ('refusals' in tried) {
    const { refusals } = tried;
    const plan = { ...head, ...nothing, verdict: 'refused' as const, refusals, isBlocked: true };
    return { plan, brought: [] };
  }
  const changes = fieldChanges(held, tried.result);
  const verdict = held === undefined ? 'create' : changes.length > 0 ? 'change' : 'unchanged';
  const brought = [{ type, object: tried.result }];
  return { plan: { ...head, ...nothing, verdict, changes }, brought };
}

type Tried = { readonly result: KubeObject } | { readonly refusals: readonly string[] };

async function tryApply(
  { type, document, object }: Brought & { readonly document: ManifestDocument },
  held: KubeObject | undefined,
  api: KubeApi,
): Promise<Tried> {
  try {
    return { result: await afterApply(type, { held, object }, api) };
  } catch (error) {
    if (!(error instanceof KubeFailure)) throw error;
    if (error.reason === 'NotFound' && /^namespaces? /.test(error.message)) {
      const { namespace } = object.metadata;
      return {
        refusals: [
          `${document.whereIs('metadata.namespace')}: there is no namespace ${namespace}; create it: kubectl create namespace ${namespace}`,
        ],
      };
    }
    if (error.reason === 'Forbidden') throw notAllowed(error);
    if (error.reason === 'Invalid') return { refusals: refusalLines(error.message, document) };
    throw notInstalled(type, error) ?? error;
  }
}

function notAllowed(error: KubeFailure): CommandFailure {
  return new CommandFailure(
    exitCode.badConfiguration,
    `the API server does not allow this: ${error.message}\nTrying a change needs the permission to make it: ask for it, or use another --context.`,
    { cause: error },
  );
}

/** Pods keep the image that the status names until what they read changes. */
function imageOf(held: KubeObject | undefined): string | undefined {
  return (held?.['status'] as { readonly runtimeImage?: string } | undefined)?.runtimeImage;
}

function guess(image: string): string {
  return `Pods are planned with the image ${image}; say with --runtime-image which one the operator was given.`;
}

function remarksOf(
  { obstacle, isPaused, scaling, assumed }: Preview,
  held: KubeObject | undefined,
): string[] {
  const remarks: string[] = [];
  if (held?.metadata.deletionTimestamp !== undefined) {
    remarks.push(
      'It is being deleted: the operator does nothing more for it. Apply again when it is gone.',
    );
  }
  if (isPaused) {
    remarks.push('spec.paused is set: the operator would change nothing until it is taken away.');
  }
  if (obstacle !== undefined) {
    remarks.push(
      `${obstacle.reason}: ${obstacle.message} The operator would go on caring for the last valid spec, if there was one.`,
    );
  }
  return [...remarks, ...scalingRemarks(scaling, held), ...assumed];
}

/** Said where it is not as asked, or another than now. */
function scalingRemarks(scaling: Preview['scaling'], held: KubeObject | undefined): string[] {
  if (scaling === undefined) return [];
  const { scaling: present } = (held?.['status'] ?? {}) as { readonly scaling?: ScalingStatus };
  const isOther = scaling.driver !== (present?.driver ?? 'Direct');
  return isOther || !scaling.isReady ? [scaling.message] : [];
}

function newSteps(before: Preview, after: Preview): readonly string[] {
  const planned = new Set(before.plan.steps.map(describe));
  return [...new Set(after.plan.steps.map(describe))].filter((line) => !planned.has(line));
}
