/**
 * What each step of a plan would change, found out by taking it against an API that stores nothing.
 *
 * The steps are executed by the very `act` of the operator, one at a time, so that names taken by
 * others, things already as wanted and pruning are judged by the same code; only the API under it is
 * another. As in a pass, what comes after a refused step or a wait is not reached.
 */
import { Permanent } from '@millrace/kit/permanent';
import { Transient } from '@millrace/kit/transient';
import { act, prune, type Child } from '../../machinery/act.ts';
import { KubeFailure } from '../../machinery/kube-failure.ts';
import type { KindPreview, Preview } from '../../machinery/preview.ts';
import type { Step } from '../../machinery/step.ts';
import { fieldChanges, type FieldChange } from '../field-changes.ts';
import { restartedPods, endedPods, type PodEffect } from './pod-effects.ts';
import { Stage, type Call, type StageOptions } from './stage.ts';

export type Outcome = 'create' | 'change' | 'delete' | 'wait' | 'refused' | 'unreached';

export interface Rehearsed {
  readonly outcome: Outcome;
  /** `ConfigMap/users-config`; empty for a wait. */
  readonly object: string;
  readonly reason: string;
  readonly changes: readonly FieldChange[];
  readonly pods?: PodEffect;
  /** Why it was refused. */
  readonly problem?: string;
}

export interface Rehearsal {
  readonly steps: readonly Rehearsed[];
  readonly deleted: readonly Child[];
  readonly assumed: readonly string[];
}

export interface RehearseOptions extends StageOptions {
  readonly kind: Pick<KindPreview, 'fieldManager' | 'scaleManager'>;
}

type DoStep = Exclude<Step, { op: 'wait' }>;

export async function rehearse(
  { plan, owner, children }: Preview,
  options: RehearseOptions,
): Promise<Rehearsal> {
  const stage = new Stage(options);
  const steps: Rehearsed[] = [];
  const waits = plan.steps.filter((step) => step.op === 'wait');
  const doing: DoStep[] = plan.steps.filter((step) => step.op !== 'wait');
  // A pass that ends in a wait does not prune: what is missing may only be not known yet.
  const pruned = waits.length > 0 ? [] : prune({ plan, owner, children });
  doing.push(...pruned.filter((step) => step.op !== 'wait'));
  const keep = children.map(({ type, object }) => ({ type, ref: object.metadata }));
  let isRefused = false;
  for (const step of doing) {
    if (isRefused) {
      const { object, reason } = told(step);
      if (!steps.some((one) => one.object === object)) {
        steps.push({ outcome: 'unreached', object, reason, changes: [] });
      }
      continue;
    }
    try {
      await act(
        { owner, plan: { steps: [step], keep }, children },
        { ...options.kind, api: stage, record: () => undefined },
      );
      steps.push(...(await outcomesOf(step, stage.taken(), options)));
    } catch (error) {
      steps.push({ outcome: 'refused', ...told(step), changes: [], problem: problemOf(error) });
      isRefused = true;
    }
  }
  for (const what of new Set(waits.map((step) => step.for))) {
    steps.push({ outcome: 'wait', object: '', reason: what, changes: [] });
  }
  return { steps, deleted: stage.deleted, assumed: stage.assumed };
}

/** Nothing for a step that changes nothing. */
async function outcomesOf(
  step: DoStep,
  calls: readonly Call[],
  { world }: RehearseOptions,
): Promise<readonly Rehearsed[]> {
  const rehearsed: Rehearsed[] = [];
  for (const { before, after } of calls) {
    const changes = fieldChanges(before, after);
    if (after === undefined) {
      const pods = await endedPods(before, world);
      rehearsed.push({ outcome: 'delete', ...told(step), changes: [], ...pods });
    } else if (before === undefined) {
      rehearsed.push({ outcome: 'create', ...told(step), changes });
    } else if (changes.length > 0) {
      const pods = await restartedPods(before, changes, world);
      rehearsed.push({ outcome: 'change', ...told(step), changes, ...pods });
    }
  }
  return rehearsed;
}

function told(step: DoStep): { readonly object: string; readonly reason: string } {
  const { kind, name } =
    step.op === 'apply'
      ? { kind: step.object.kind, name: step.object.metadata.name }
      : { kind: step.type.kind, name: step.ref.name };
  return { object: `${kind}/${name}`, reason: step.reason };
}

function problemOf(error: unknown): string {
  if (error instanceof Permanent || error instanceof Transient) return error.message;
  if (
    error instanceof KubeFailure &&
    (error.reason === 'Invalid' || error.reason === 'Forbidden')
  ) {
    return `The API server would refuse it: ${error.message}`;
  }
  throw error;
}
