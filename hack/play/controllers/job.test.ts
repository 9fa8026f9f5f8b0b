import { describe, expect, test } from 'vitest';
import { pod, type PodSketch } from '../test/pods.ts';
import { clusterBackoff, decideJob, type Job, type JobStatus } from './job.ts';

const nowMs = Date.parse('2026-01-01T00:01:00.000Z');
const backoff = { baseMs: 1_000, maxMs: 8_000 };

function job(spec: Partial<Job['spec']> = {}, status?: Partial<JobStatus>): Job {
  const none = { active: 0, ready: 0, terminating: 0, succeeded: 0, failed: 0, conditions: [] };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'load', namespace: 'default', uid: 'j' },
    spec: { template: { spec: { containers: [{ name: 'main' }] } }, ...spec },
    ...(status === undefined ? {} : { status: { ...none, ...status } }),
  };
}

const running = (name: string, more: Partial<PodSketch> = {}) =>
  pod({ name, ready: true, ...more });
const succeeded = (name: string) => pod({ name, phase: 'Succeeded', exitCode: 0 });
const failed = (name: string, exitCode: number, more: Partial<PodSketch> = {}) =>
  pod({ name, phase: 'Failed', exitCode, ...more });
const disruption = { type: 'DisruptionTarget', status: 'True' } as const;

const policy: NonNullable<Job['spec']['podFailurePolicy']> = {
  rules: [
    { action: 'FailJob', onExitCodes: { containerName: 'main', operator: 'In', values: [64, 65] } },
    { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
  ],
};

interface Row {
  readonly when: string;
  readonly spec?: Partial<Job['spec']>;
  readonly status?: Partial<JobStatus>;
  readonly pods: readonly ReturnType<typeof pod>[];
  readonly creates?: number;
  readonly deletes?: readonly string[];
  /** Type and reason of conditions that hold. */
  readonly conditions?: readonly (readonly [string, string])[];
  readonly counts?: Partial<JobStatus>;
}

const rows: readonly Row[] = [
  { when: 'it is new', pods: [], creates: 1 },
  { when: 'its pod runs', pods: [running('a')], counts: { active: 1, ready: 1 } },
  {
    when: 'its pod has succeeded',
    pods: [succeeded('a')],
    conditions: [
      ['SuccessCriteriaMet', 'CompletionsReached'],
      ['Complete', 'CompletionsReached'],
    ],
    counts: { succeeded: 1 },
  },
  {
    when: 'its pod failed long ago',
    pods: [failed('a', 1)],
    creates: 1,
    counts: { failed: 1 },
  },
  {
    when: 'its pods failed more often than allowed',
    spec: { backoffLimit: 1 },
    pods: [failed('a', 1), failed('b', 1)],
    conditions: [
      ['FailureTarget', 'BackoffLimitExceeded'],
      ['Failed', 'BackoffLimitExceeded'],
    ],
    counts: { failed: 2 },
  },
  {
    when: 'an exit code is hopeless',
    spec: { podFailurePolicy: policy },
    pods: [failed('a', 65)],
    conditions: [
      ['FailureTarget', 'PodFailurePolicy'],
      ['Failed', 'PodFailurePolicy'],
    ],
  },
  {
    when: 'an exit code is hopeless while another pod runs: the end waits for it',
    spec: { podFailurePolicy: policy, parallelism: 2, completions: 2 },
    pods: [failed('a', 65), running('b')],
    deletes: ['b'],
    conditions: [['FailureTarget', 'PodFailurePolicy']],
  },
  {
    when: 'a disrupted pod is ignored by the policy',
    spec: { podFailurePolicy: policy, backoffLimit: 0 },
    pods: [failed('a', 143, { conditions: [disruption] })],
    creates: 1,
    counts: { failed: 0 },
  },
  {
    when: 'a disrupted pod meets no policy',
    spec: { backoffLimit: 0 },
    pods: [failed('a', 143, { conditions: [disruption] })],
    conditions: [
      ['FailureTarget', 'BackoffLimitExceeded'],
      ['Failed', 'BackoffLimitExceeded'],
    ],
  },
  {
    when: 'with a policy, a pod that still drains is waited for',
    spec: { podFailurePolicy: policy },
    pods: [running('a', { isTerminating: true })],
    creates: 0,
    counts: { terminating: 1, active: 0 },
  },
  {
    when: 'without a policy, a pod that still drains is replaced',
    pods: [running('a', { isTerminating: true })],
    creates: 1,
  },
  {
    when: 'a pod is told to end before it was replaced, it has failed already',
    pods: [running('a', { isTerminating: true })],
    spec: { backoffLimit: 0 },
    conditions: [['FailureTarget', 'BackoffLimitExceeded']],
    counts: { failed: 1, terminating: 1 },
  },
  {
    when: 'a pod is told to end by the suspension, it has not failed',
    pods: [running('a', { isTerminating: true })],
    spec: { suspend: true },
    conditions: [['Suspended', 'JobSuspended']],
    counts: { failed: 0, terminating: 1 },
  },
  {
    when: 'it was suspended for longer than its deadline',
    spec: { activeDeadlineSeconds: 30 },
    status: {
      startTime: '2026-01-01T00:00:00.000Z',
      conditions: [{ type: 'Suspended', status: 'True', reason: 'JobSuspended' }],
    },
    pods: [],
    creates: 1,
    conditions: [],
    counts: { startTime: '2026-01-01T00:01:00.000Z' },
  },
  {
    when: 'it is suspended',
    spec: { suspend: true },
    pods: [running('a')],
    deletes: ['a'],
    conditions: [['Suspended', 'JobSuspended']],
  },
  {
    when: 'it is resumed',
    status: { conditions: [{ type: 'Suspended', status: 'True', reason: 'JobSuspended' }] },
    pods: [],
    creates: 1,
    conditions: [],
  },
  {
    when: 'it was active for too long',
    spec: { activeDeadlineSeconds: 30 },
    status: { startTime: '2026-01-01T00:00:00.000Z' },
    pods: [running('a')],
    deletes: ['a'],
    conditions: [['FailureTarget', 'DeadlineExceeded']],
  },
  {
    when: 'it is over: nothing starts again, whatever its pods say',
    status: {
      failed: 1,
      conditions: [{ type: 'Failed', status: 'True', reason: 'PodFailurePolicy' }],
    },
    pods: [],
    creates: 0,
    conditions: [['Failed', 'PodFailurePolicy']],
    counts: { failed: 1 },
  },
  {
    when: 'its failed pod was cleared away, the count stays',
    spec: { backoffLimit: 0 },
    status: { failed: 1 },
    pods: [],
    conditions: [
      ['FailureTarget', 'BackoffLimitExceeded'],
      ['Failed', 'BackoffLimitExceeded'],
    ],
  },
];

describe('decideJob', () => {
  test.each(rows)('when $when', (row) => {
    const decision = decideJob(job(row.spec, row.status), row.pods, { nowMs, backoff });

    expect(decision.createCount).toBe(row.creates ?? 0);
    expect(decision.deletions.map(({ metadata }) => metadata.name)).toEqual(row.deletes ?? []);
    const holding = decision.status.conditions.filter(({ status }) => status === 'True');
    expect(holding.map(({ type, reason }) => [type, reason])).toEqual(row.conditions ?? []);
    const none = { active: 0, succeeded: 0, failed: 0 };
    expect({ ...none, ...decision.status }).toMatchObject(row.counts ?? {});
  });

  test.each([
    { failures: 1, waitMs: 1_000 },
    { failures: 2, waitMs: 2_000 },
    { failures: 3, waitMs: 4_000 },
    { failures: 9, waitMs: 8_000 },
  ])('waits $waitMs ms after failure $failures', ({ failures, waitMs }) => {
    const finishedAt = new Date(nowMs - 100).toISOString();
    const pods = Array.from({ length: failures }, (_, index) =>
      failed(`p${String(index)}`, 1, { finishedAt }),
    );
    const limit = { backoffLimit: 100 };

    const early = decideJob(job(limit), pods, { nowMs, backoff });
    const later = decideJob(job(limit), pods, { nowMs: nowMs - 100 + waitMs, backoff });

    expect(early).toMatchObject({ createCount: 0, againInMs: waitMs - 100 });
    expect(later.createCount).toBe(1);
  });

  test.each([
    { failures: 1, waitMs: 10_000 },
    { failures: 4, waitMs: 80_000 },
    { failures: 30, waitMs: 600_000 },
  ])('waits as a cluster does: $waitMs ms after failure $failures', ({ failures, waitMs }) => {
    const finishedAt = new Date(nowMs).toISOString();
    const pods = Array.from({ length: failures }, (_, index) =>
      failed(`p${String(index)}`, 1, { finishedAt }),
    );

    const decision = decideJob(job({ backoffLimit: 100 }), pods, {
      nowMs,
      backoff: clusterBackoff,
    });

    expect(decision).toMatchObject({ createCount: 0, againInMs: waitMs });
  });

  test('deciding again from its own status changes nothing', () => {
    const first = decideJob(job(), [succeeded('a')], { nowMs, backoff });

    const again = decideJob(job({}, first.status), [succeeded('a')], {
      nowMs: nowMs + 60_000,
      backoff,
    });

    expect(again.status).toEqual(first.status);
  });

  test('names the pod, the exit code and the rule that failed the Job', () => {
    const { status } = decideJob(job({ podFailurePolicy: policy }), [failed('a', 65)], {
      nowMs,
      backoff,
    });

    expect(status.conditions.at(-1)?.message).toBe(
      'exit code 65 of container main of pod default/a matches the FailJob rule at index 0',
    );
  });

  test('a rule of NotIn never takes a success for a failure', () => {
    const notIn = {
      rules: [{ action: 'FailJob', onExitCodes: { operator: 'NotIn', values: [3] } }],
    } as const;

    const other = decideJob(job({ podFailurePolicy: notIn }), [failed('a', 4)], { nowMs, backoff });
    const listed = decideJob(job({ podFailurePolicy: notIn }), [failed('a', 3)], {
      nowMs,
      backoff,
    });

    expect(other.status.conditions.at(-1)?.reason).toBe('PodFailurePolicy');
    expect(listed.createCount).toBe(1);
  });
});
