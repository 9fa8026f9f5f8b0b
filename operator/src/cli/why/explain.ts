/**
 * From facts to an answer: what state a resource is in, and the causes, most pressing first. Pure.
 *
 * The order is that of what makes the rest moot: with no operator nothing moves; what the operator
 * has not seen yet it cannot have judged; what is paused or stalled waits for a person; then what it
 * waits for itself, with the trouble of the pods it hangs on beneath; then pods that are in trouble
 * on their own; and last what only events tell.
 */
import type { Condition } from '@millrace/crds/conditions';
import type { Waiting } from '@millrace/crds/operator-notes';
import type { KubeObject } from '../../machinery/kube-api.ts';
import { duration, timeOf } from '../words.ts';
import { nameOf, splitObject, troubles, type Cause } from './causes.ts';
import type { Facts } from './facts.ts';
import type { Warning } from './warnings.ts';

export type State = 'ready' | 'working' | 'waiting' | 'stalled' | 'paused' | 'deleting' | 'unseen';

export interface Explanation {
  readonly state: State;
  readonly reason: string | undefined;
  readonly message: string | undefined;
  readonly sinceMs: number | undefined;
  readonly causes: readonly Cause[];
}

export function explain(facts: Facts): Explanation {
  const ready = conditionOf(facts, 'Ready');
  const state = stateOf(facts);
  const causes = [
    ...operatorCauses(facts, state),
    ...deletion(facts),
    ...stalled(facts),
    ...waiting(facts),
    ...otherPods(facts),
    ...scaling(facts),
    ...unexplained(facts),
  ];
  return {
    state,
    reason: ready?.reason,
    message: ready?.message,
    sinceMs:
      state === 'deleting'
        ? timeOf(facts.resource.metadata.deletionTimestamp)
        : timeOf(ready?.lastTransitionTime),
    causes: distinct(causes),
  };
}

function conditionOf({ status }: Facts, type: string): Condition | undefined {
  return status.conditions?.find((condition) => condition.type === type);
}

function stateOf(facts: Facts): State {
  if (facts.resource.metadata.deletionTimestamp !== undefined) return 'deleting';
  if (isUnseen(facts)) return 'unseen';
  if (conditionOf(facts, 'Stalled')?.status === 'True') return 'stalled';
  if (conditionOf(facts, 'Reconciling')?.reason === 'Paused') return 'paused';
  if (conditionOf(facts, 'Ready')?.status === 'True') return 'ready';
  return waitsOf(facts).length > 0 ? 'waiting' : 'working';
}

function isUnseen({ resource, status }: Facts): boolean {
  const seen = status.observedGeneration ?? -1;
  return seen < (resource.metadata.generation ?? 0);
}

function waitsOf({ status }: Facts): readonly Waiting[] {
  return status.waiting ?? [];
}

function operatorCauses(facts: Facts, state: State): readonly Cause[] {
  return [...leaderless(facts), ...(state === 'unseen' ? unseenChange(facts) : [])];
}

function isLeaderless({ leader }: Facts): boolean {
  return leader.state === 'expired' || leader.state === 'released';
}

function leaderless(facts: Facts): readonly Cause[] {
  if (!isLeaderless(facts)) return [];
  const { state, renewedMs, holder, lease } = facts.leader;
  const who =
    state === 'expired' ? `${holder ?? ''} stopped renewing its Lease` : 'the last one stopped';
  return [
    {
      what: `No operator is at work: ${who}. Nothing changes until one leads.`,
      object: `Lease/${lease ?? ''}`,
      sinceMs: renewedMs,
      next: 'look for its pods and their logs: kubectl get pods -A | grep millrace-operator',
      because: [],
    },
  ];
}

function unseenChange(facts: Facts): readonly Cause[] {
  const { resource, status, leader, now } = facts;
  const seen = status.observedGeneration ?? -1;
  const changedMs = lastChangeMs(resource);
  const what =
    seen < 0
      ? 'No operator has looked at it yet.'
      : `The operator has not worked on the last change yet: it saw generation ${seen}, this is ${resource.metadata.generation ?? 0}.`;
  const isLate = changedMs !== undefined && now - changedMs > lateMs;
  const start = leader.state === 'none' ? 'start the operator; if it runs, ' : '';
  const look = `${start}look at its log, and whether this is one of its namespaces`;
  const soon = isLate ? look : 'it usually takes less than a second';
  const next = isLeaderless(facts) ? 'not looked at before an operator is at work' : soon;
  return [{ what, sinceMs: changedMs, next, because: [] }];
}

/** A pass begins at once; later than this something is wrong. */
const lateMs = 10_000;

/** When somebody other than the operator last wrote it; statuses do not count. */
function lastChangeMs({ metadata }: KubeObject): number | undefined {
  const { managedFields = [] } = metadata as {
    readonly managedFields?: readonly { readonly subresource?: string; readonly time?: string }[];
  };
  const times = managedFields
    .filter(({ subresource = '' }) => subresource === '')
    .flatMap(({ time }) => timeOf(time) ?? []);
  return times.length > 0 ? Math.max(...times) : timeOf(metadata.creationTimestamp);
}

function deletion({ resource }: Facts): readonly Cause[] {
  const { deletionTimestamp, finalizers = [] } = resource.metadata;
  if (deletionTimestamp === undefined) return [];
  return finalizers.map((finalizer) => ({
    what: `It goes when the finalizer ${finalizer} is taken away.`,
    sinceMs: timeOf(deletionTimestamp),
    next: 'whoever set it takes it away when their part is done',
    because: [],
  }));
}

function stalled(facts: Facts): readonly Cause[] {
  const condition = conditionOf(facts, 'Stalled');
  if (condition?.status !== 'True') return [];
  const retry = waitsOf(facts).find(({ retrySeconds }) => retrySeconds !== undefined);
  return [
    {
      what: `${condition.message}${ofEarlier(condition, facts)}`,
      object: retry?.object,
      sinceMs: timeOf(condition.lastTransitionTime),
      next:
        retry === undefined
          ? 'nothing is tried again before somebody changes it'
          : nextLook(retry, facts),
      because: [],
    },
  ];
}

function ofEarlier({ observedGeneration }: Condition, { resource }: Facts): string {
  const isOld = observedGeneration < (resource.metadata.generation ?? 0);
  return isOld ? ` (This was said of generation ${observedGeneration}.)` : '';
}

function waiting(facts: Facts): readonly Cause[] {
  // What a stalled one waits for is what its condition says.
  if (conditionOf(facts, 'Stalled')?.status === 'True') return [];
  return waitsOf(facts).map((wait) => ({
    what: `It waits for ${wait.what}${/[.!?]$/.test(wait.what) ? '' : '.'}`,
    object: wait.object,
    sinceMs: timeOf(wait.since),
    next: nextLook(wait, facts),
    because: behind(wait.object, facts),
  }));
}

function nextLook({ object, retrySeconds }: Waiting, facts: Facts): string {
  if (isLeaderless(facts)) return 'not looked at before an operator is at work';
  if (retrySeconds !== undefined) {
    return `looked at again every ${duration(retrySeconds * 1_000)} at the latest`;
  }
  return `looked at again ${object === undefined ? 'by itself' : 'as soon as it changes'}`;
}

/** The troubles of the pods that an object stands for: of itself, or of those it made. */
function behind(object: string | undefined, facts: Facts): readonly Cause[] {
  if (object === undefined) return [];
  const concerned = [...facts.children, ...facts.pods].filter((one) => isOf(object, one, facts));
  return troubles(concerned, facts.now);
}

function otherPods(facts: Facts): readonly Cause[] {
  const told = waitsOf(facts).flatMap(({ object }) => object ?? []);
  const others = [...facts.children, ...facts.pods].filter(
    (one) => !told.some((object) => isOf(object, one, facts)),
  );
  return troubles(others, facts.now);
}

/** Pods are named after what made them; all are named after the resource, which says nothing. */
function isOf(object: string, one: KubeObject, { resource }: Facts): boolean {
  if (nameOf(one) === object) return true;
  const { name } = splitObject(object);
  return (
    object !== nameOf(resource) && one.kind === 'Pod' && one.metadata.name.startsWith(`${name}-`)
  );
}

/** The work goes on, by other means than somebody asked for. */
function scaling(facts: Facts): readonly Cause[] {
  const condition = conditionOf(facts, 'AutoscalingReady');
  if (condition?.status !== 'False') return [];
  const { message, lastTransitionTime } = condition;
  return [{ what: message, sinceMs: timeOf(lastTransitionTime), because: [] }];
}

const warningsShown = 3;

/** What is in an event and in no status; for those already explained it would only repeat. */
function unexplained(facts: Facts): readonly Cause[] {
  const explained = new Set(
    [...facts.children, ...facts.pods]
      .filter((one) => troubles([one], facts.now).length > 0)
      .map(nameOf),
  );
  const own = nameOf(facts.resource);
  return facts.warnings
    .filter(({ object }) => object !== own && !explained.has(object))
    .slice(0, warningsShown)
    .map(eventCause);
}

function eventCause({ object, reason, note, lastMs, times }: Warning): Cause {
  const often = times > 1 ? `, ${times} times` : '';
  return { what: `${object}: ${reason}${often}: ${note}`, object, sinceMs: lastMs, because: [] };
}

function distinct(causes: readonly Cause[]): readonly Cause[] {
  const seen = new Set<string>();
  return causes.filter(({ what }) => !seen.has(what) && seen.add(what));
}
