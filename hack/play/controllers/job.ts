/**
 * What a Job's pods should become: the decision of the job controller as a pure function.
 *
 * Held to the real one: a failed pod is replaced after 10 s · 2ⁿ up to ten minutes (play passes
 * shorter ones), podFailurePolicy is asked before the failure is counted, ignored failures are not
 * counted, more than backoffLimit counted failures end the Job, and with a podFailurePolicy a pod
 * is replaced only when it has really ended, so that two never run at once. Finished pods stay:
 * their termination messages are read after the end. Not here: indexed completion, success
 * policies, TTL, and the count of failures whose pods somebody removed one after another.
 */
import type { KubeObject } from '@millrace/operator/machinery/kube-api';
import { judgeFailure, type FailureVerdict, type PodFailureRule } from './pod-failure-policy.ts';
import {
  isFinished,
  isReady,
  isTerminating,
  type Pod,
  type PodCondition,
  type PodTemplate,
} from './workload.ts';

export interface Job extends KubeObject {
  readonly spec: {
    readonly template: PodTemplate;
    readonly backoffLimit?: number;
    readonly completions?: number;
    readonly parallelism?: number;
    readonly suspend?: boolean;
    readonly activeDeadlineSeconds?: number;
    readonly podFailurePolicy?: { readonly rules: readonly PodFailureRule[] };
    readonly podReplacementPolicy?: 'Failed' | 'TerminatingOrFailed';
  };
  readonly status?: JobStatus;
}

/** Of the counts only `ready` and `terminating` are there when they are nothing, as in a cluster. */
export interface JobStatus {
  readonly startTime?: string;
  readonly completionTime?: string;
  readonly active?: number;
  readonly ready: number;
  readonly terminating: number;
  readonly succeeded?: number;
  readonly failed?: number;
  readonly conditions: readonly PodCondition[];
}

export interface BackoffBounds {
  readonly baseMs: number;
  readonly maxMs: number;
}

/** The real controller's. */
export const clusterBackoff: BackoffBounds = { baseMs: 10_000, maxMs: 600_000 };

export interface JobDecision {
  readonly createCount: number;
  readonly deletions: readonly Pod[];
  readonly status: JobStatus;
  /** When to decide again although nothing changed. */
  readonly againInMs?: number;
}

interface Count {
  readonly live: readonly Pod[];
  readonly ending: readonly Pod[];
  readonly succeeded: number;
  readonly failures: readonly Pod[];
  readonly failed: number;
  readonly fatal?: FailureVerdict;
}

export function decideJob(
  job: Job,
  pods: readonly Pod[],
  options: { readonly nowMs: number; readonly backoff: BackoffBounds },
): JobDecision {
  const count = countPods(job, pods);
  const previous = job.status;
  if (previous !== undefined && hasCondition(previous, 'Complete', 'Failed')) {
    const { startTime, completionTime, conditions } = previous;
    const kept = { ...(startTime && { startTime }), ...(completionTime && { completionTime }) };
    return {
      createCount: 0,
      deletions: count.live,
      status: { ...kept, ...tally(count), conditions },
    };
  }
  const now = new Date(options.nowMs).toISOString();
  const end = endOf(job, count, options.nowMs);
  if (end !== undefined) return finish(job, count, { end, now });
  if (job.spec.suspend === true) return suspend(job, count, now);
  return run(job, count, { ...options, now });
}

function countPods(job: Job, pods: readonly Pod[]): Count {
  const ending = pods.filter((pod) => !isFinished(pod) && isTerminating(pod));
  const ended = pods.filter((pod) => pod.status?.phase === 'Failed');
  // A pod that is replaced before it has ended counts once it is told to end, unless it was the
  // suspension that told it.
  const isEarly = !waitsForEnd(job) && job.spec.suspend !== true;
  const failures = isEarly ? [...ended, ...ending] : ended;
  const rules = job.spec.podFailurePolicy?.rules;
  const verdicts = failures.map((pod) => judgeFailure(pod, rules));
  const fatal = verdicts.find((verdict) => verdict.action === 'FailJob');
  const counted = verdicts.filter((verdict) => verdict.action !== 'Ignore').length;
  const succeeded = pods.filter((pod) => pod.status?.phase === 'Succeeded').length;
  return {
    live: pods.filter((pod) => !isFinished(pod) && !isTerminating(pod)),
    ending,
    // A pod that somebody cleared away stays counted.
    succeeded: Math.max(succeeded, job.status?.succeeded ?? 0),
    failed: Math.max(counted, job.status?.failed ?? 0),
    failures,
    ...(fatal === undefined ? {} : { fatal }),
  };
}

function tally(count: Count): Omit<JobStatus, 'startTime' | 'completionTime' | 'conditions'> {
  return {
    ...counted('active', count.live.length),
    ready: count.live.filter(isReady).length,
    terminating: count.ending.length,
    ...counted('succeeded', count.succeeded),
    ...counted('failed', count.failed),
  };
}

function counted(field: 'active' | 'succeeded' | 'failed', count: number): Partial<JobStatus> {
  return count === 0 ? {} : { [field]: count };
}

/** What the API server makes of a policy that was left out. */
function waitsForEnd({ spec }: Job): boolean {
  const byDefault = spec.podFailurePolicy === undefined ? 'TerminatingOrFailed' : 'Failed';
  return (spec.podReplacementPolicy ?? byDefault) === 'Failed';
}

interface End {
  readonly type: 'Complete' | 'Failed';
  readonly reason: string;
  readonly message: string;
}

function endOf(job: Job, count: Count, nowMs: number): End | undefined {
  if (count.fatal !== undefined)
    return { type: 'Failed', reason: 'PodFailurePolicy', message: count.fatal.message };
  if (count.failed > (job.spec.backoffLimit ?? 6)) {
    const message = 'Job has reached the specified backoff limit';
    return { type: 'Failed', reason: 'BackoffLimitExceeded', message };
  }
  const deadline = job.spec.activeDeadlineSeconds;
  const startedAt = Date.parse(job.status?.startTime ?? '');
  const isPaused = job.spec.suspend === true || isSuspended(job);
  if (deadline !== undefined && !isPaused && nowMs - startedAt >= deadline * 1_000) {
    const message = 'Job was active longer than specified deadline';
    return { type: 'Failed', reason: 'DeadlineExceeded', message };
  }
  if (count.succeeded < (job.spec.completions ?? 1)) return undefined;
  const message = 'Reached expected number of succeeded pods';
  return { type: 'Complete', reason: 'CompletionsReached', message };
}

/** The target condition comes at once, the final one when no pod runs any more. */
function finish(
  job: Job,
  count: Count,
  options: { readonly end: End; readonly now: string },
): JobDecision {
  const { end, now } = options;
  const target = end.type === 'Complete' ? 'SuccessCriteriaMet' : 'FailureTarget';
  const isOver = count.live.length === 0 && count.ending.length === 0;
  const condition = { status: 'True', reason: end.reason, message: end.message } as const;
  const conditions = [
    { type: target, ...condition },
    ...(isOver ? [{ type: end.type, ...condition }] : []),
  ];
  return {
    createCount: 0,
    deletions: count.live,
    status: {
      ...started(job, now),
      ...tally(count),
      ...(isOver && end.type === 'Complete' ? { completionTime: now } : {}),
      conditions: withConditions(job, conditions, now),
    },
  };
}

function suspend(job: Job, count: Count, now: string): JobDecision {
  const suspended = {
    type: 'Suspended',
    status: 'True',
    reason: 'JobSuspended',
    message: 'Job suspended',
  } as const;
  return {
    createCount: 0,
    deletions: count.live,
    status: {
      ...(job.status?.startTime && { startTime: job.status.startTime }),
      ...tally(count),
      conditions: withConditions(job, [suspended], now),
    },
  };
}

function run(
  job: Job,
  count: Count,
  options: { readonly nowMs: number; readonly now: string; readonly backoff: BackoffBounds },
): JobDecision {
  const isResumed = job.status?.conditions.some((condition) => condition.type === 'Suspended');
  const resumed = {
    type: 'Suspended',
    status: 'False',
    reason: 'JobResumed',
    message: 'Job resumed',
  } as const;
  const status = {
    ...started(job, options.now),
    ...tally(count),
    conditions: withConditions(job, isResumed === true ? [resumed] : [], options.now),
  };
  const occupied = count.live.length + (waitsForEnd(job) ? count.ending.length : 0);
  const missing = (job.spec.completions ?? 1) - count.succeeded;
  const createCount = Math.max(0, Math.min(job.spec.parallelism ?? 1, missing) - occupied);
  const waitMs = createCount > 0 ? remainingBackoffMs(count, options) : 0;
  return waitMs > 0
    ? { createCount: 0, deletions: [], status, againInMs: waitMs }
    : { createCount, deletions: [], status };
}

function remainingBackoffMs(
  count: Count,
  options: { readonly nowMs: number; readonly backoff: BackoffBounds },
): number {
  if (count.failures.length === 0) return 0;
  const ends = count.failures.map((pod) => {
    const ended = pod.status?.containerStatuses?.[0]?.state.terminated?.finishedAt;
    return Date.parse(ended ?? pod.metadata.deletionTimestamp ?? '') || 0;
  });
  const exponential = options.backoff.baseMs * 2 ** Math.min(count.failures.length - 1, 30);
  return Math.max(...ends) + Math.min(exponential, options.backoff.maxMs) - options.nowMs;
}

/** A Job that is resumed starts its clock anew. */
function started(job: Job, now: string): { readonly startTime: string } {
  return { startTime: (isSuspended(job) ? undefined : job.status?.startTime) ?? now };
}

function isSuspended({ status }: Job): boolean {
  return status !== undefined && hasCondition(status, 'Suspended');
}

export function hasCondition(status: JobStatus, ...types: readonly string[]): boolean {
  return status.conditions.some(
    (condition) => types.includes(condition.type) && condition.status === 'True',
  );
}

/** Keeps what was said before; a condition's time moves only with its status. */
function withConditions(
  job: Job,
  changes: readonly PodCondition[],
  now: string,
): readonly PodCondition[] {
  const previous = job.status?.conditions ?? [];
  const kept = previous.filter((old) => !changes.some((change) => change.type === old.type));
  const written = changes.map((change) => {
    const old = previous.find((condition) => condition.type === change.type);
    const since = old?.status === change.status ? old.lastTransitionTime : undefined;
    return { ...change, lastTransitionTime: since ?? now };
  });
  return [...kept, ...written];
}
