import { Compile } from 'typebox/compile';
import { status as statusSchema, type CsvImportStatus } from '@millrace/crds/csv-import';
import { describe, expect, it } from 'vitest';
import { report, usersSpec } from '../../../test/import-cluster.ts';
import { careFor, heldDeployment, heldJob, noChildren, observed } from '../../../test/observed.ts';
import { conditionOf } from '../../machinery/conditions.ts';
import { emptyPlan } from '../../machinery/step.ts';
import type { CoordinatorPod, Observed } from './observed.ts';
import { hasTransition, status, type StatusInput } from './status.ts';

function made(change: Partial<Observed> = {}, input: Partial<StatusInput> = {}): CsvImportStatus {
  return status({
    observed: observed(change),
    care: careFor(usersSpec),
    plan: emptyPlan,
    obstacle: undefined,
    isPaused: false,
    changed: [],
    now: '2030-01-01T00:00:00.000Z',
    ...input,
  });
}

function reasons(of: CsvImportStatus): Record<string, string> {
  return Object.fromEntries(
    (of.conditions ?? []).map(({ type, status: held, reason }) => [type, `${held} ${reason}`]),
  );
}

const pod: CoordinatorPod = {
  uid: 'uid-of-pod',
  name: 'pod',
  jobUid: 'uid-of-users-coordinator',
  isReady: false,
  isTerminating: false,
  isDisrupted: false,
  pendingReason: undefined,
  exitCode: 0,
  report: report({ state: 'Complete' }),
};
const children = {
  ...noChildren,
  job: heldJob(),
  gateway: heldDeployment('gateway', { replicas: 1, ready: 1 }),
};

describe('status', () => {
  it('fits the schema and has all conditions in every state', () => {
    const check = Compile(statusSchema);
    const states = [
      made(),
      made({ progress: report() }),
      made({ children, coordinators: [pod] }),
      made({ children, coordinators: [{ ...pod, exitCode: 64, report: undefined }] }),
      made({}, { care: undefined, obstacle: { reason: 'InvalidSpec', message: 'No.' } }),
    ];

    for (const state of states) {
      const plain: unknown = JSON.parse(JSON.stringify(state));
      expect([...check.Errors(plain)]).toEqual([]);
      expect(Object.keys(reasons(state))).toEqual([
        'AutoscalingReady',
        'BackendsReady',
        'Complete',
        'Failed',
        'Ready',
        'Reconciling',
        'SourceReady',
        'Stalled',
        'Suspended',
      ]);
    }
  });

  it('is Ready when the import is complete and the gateway answers', () => {
    expect(reasons(made({ children, coordinators: [pod] }))).toEqual({
      AutoscalingReady: 'True Direct',
      BackendsReady: 'Unknown NotReported',
      Complete: 'True Complete',
      Failed: 'False NotFailed',
      Ready: 'True Complete',
      Reconciling: 'False Settled',
      SourceReady: 'True ClaimFound',
      Stalled: 'False NotStalled',
      Suspended: 'False NotSuspended',
    });
  });

  it('says what the coordinator waits for', () => {
    const waiting = report({
      state: 'Waiting',
      reason: 'TargetInUse',
      message: 'Import b has it.',
    });

    const ready = conditionOf(made({ progress: waiting }).conditions, 'Ready');

    expect(ready).toMatchObject({ reason: 'TargetInUse', message: 'Import b has it.' });
  });

  it('shows an empty source as done only when the import is complete', () => {
    const empty = { source: 0, planned: 0, done: 0 };

    expect(made({ progress: report({ bytes: empty }) }).percent).toBe(0);
    const ended = { ...pod, report: report({ state: 'Complete', bytes: empty }) };
    expect(made({ children, coordinators: [ended] }).percent).toBe(100);
  });

  it('is not at 100 percent before the recount', () => {
    const bytes = { source: 10, planned: 10, done: 10 };

    expect(made({ progress: report({ state: 'Verifying', bytes }) }).percent).toBe(99);
  });

  it('keeps the steps of the last pass that changed something', () => {
    const before = made({}, { changed: ['apply ConfigMap/users-config: it is new'] });

    expect(made({ status: before }).plan).toEqual(before.plan);
  });

  it('takes figures for no transition, and states, conditions and replicas for one', () => {
    const before = made({ progress: report() });
    const bytes = { source: 1_000, planned: 1_000, done: 500 };
    const worker = heldDeployment('worker', { replicas: 2, ready: 2 });

    expect(hasTransition(before, made({ progress: report({ bytes }) }))).toBe(false);
    expect(hasTransition(before, made({ progress: report({ state: 'Verifying' }) }))).toBe(true);
    expect(hasTransition(before, made({ progress: report(), generation: 2 }))).toBe(true);
    expect(
      hasTransition(before, made({ progress: report(), children: { ...noChildren, worker } })),
    ).toBe(true);
    expect(hasTransition(undefined, before)).toBe(true);
  });

  it('does not show the end of an earlier run as the state of this one', () => {
    const before = report({ state: 'Failed', reason: 'TooManyRejects' });

    expect(reasons(made({ children, progress: before }))).toMatchObject({
      Ready: 'False Starting',
      Failed: 'False NotFailed',
    });
  });
});
