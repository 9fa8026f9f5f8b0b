import type { CsvImportSpec } from '@millrace/crds/csv-import';
import { describe, expect, it } from 'vitest';
import { usersSpec } from '../../../test/import-cluster.ts';
import { careFor, heldDeployment, heldJob, noChildren, observed } from '../../../test/observed.ts';
import { describe as line } from '../../machinery/step.ts';
import { deleting } from './deleting.ts';
import { factsOf } from './facts.ts';
import type { Observed } from './observed.ts';
import { plan } from './plan.ts';

const purged: CsvImportSpec = { ...usersSpec, deletionPolicy: 'Purge' };
const now = Date.parse('2030-01-02T00:00:00Z');

function planned(change: Partial<Observed>, spec: CsvImportSpec = purged): readonly string[] {
  const held = observed(change);
  const { steps } = plan({ care: careFor(spec, held), observed: held, now });
  return steps.map((step) => line(step).replace(/:.*/, ''));
}

function why(change: Partial<Observed>, spec: CsvImportSpec = purged): string {
  const held = observed(change);
  const care = careFor(spec, held);
  const made = plan({ care, observed: held, now });
  return deleting(
    factsOf({ observed: held, care, plan: made, obstacle: undefined, isPaused: false }),
  );
}

const running = {
  ...noChildren,
  job: heldJob({ spec: { suspend: false } }),
  worker: heldDeployment('worker', { replicas: 2, ready: 2 }),
  gateway: heldDeployment('gateway', { replicas: 1, ready: 1 }),
};
const suspended = { conditions: [{ type: 'Suspended', status: 'True' }] };
const stopped = {
  ...noChildren,
  job: heldJob({ spec: { suspend: true }, status: suspended }),
  worker: heldDeployment('worker', { replicas: 0, ready: 0 }),
  gateway: heldDeployment('gateway', { replicas: 0, ready: 0 }),
};
const deleted = { isDeleting: true, isHeld: true };
const hold = 'hold CsvImport/users by millrace.dev/purge';
const letGo = 'let CsvImport/users go from millrace.dev/purge';

function janitor(type: string | undefined) {
  const conditions = type === undefined ? [] : [{ type, status: 'True' }];
  const job = heldJob({ status: { conditions } });
  return { ...stopped, janitor: job };
}

describe('an import whose data goes with it', () => {
  it('is held before anything is made, and only then', () => {
    expect(planned({})[0]).toBe(hold);
    expect(planned({ isHeld: true })).not.toContain(hold);
    expect(planned({}, usersSpec)).not.toContain(hold);
    expect(planned({ secretKeys: () => undefined })).not.toContain(hold);
    expect(planned({ secretKeys: () => undefined, children: running })[0]).toBe(hold);
  });

  it('is let go when the data is to stay after all, deleted or not', () => {
    expect(planned({ isHeld: true, children: running }, usersSpec)[0]).toBe(letGo);
    expect(planned({ ...deleted, children: running }, usersSpec)).toEqual([letGo]);
  });

  it('stops first, and makes nothing that is not there', () => {
    const steps = planned({ ...deleted, children: running });

    expect(steps).toEqual([
      'apply ConfigMap/users-config',
      'patch Job/users-coordinator',
      'apply Deployment/users-worker',
      'scale Deployment/users-worker to 0',
      'apply Deployment/users-gateway',
      'scale Deployment/users-gateway to 0',
    ]);
    expect(planned({ ...deleted, children: noChildren })).toEqual([
      'apply ConfigMap/users-config',
      'apply Job/users-janitor',
    ]);
  });

  const workers = [{ hasEnded: false }] as never;
  const early: readonly (readonly [string, Partial<Observed>])[] = [
    ['a worker runs', { children: stopped, pods: { workers, gateways: [], janitors: [] } }],
    [
      'a gateway runs',
      { children: stopped, pods: { gateways: workers, workers: [], janitors: [] } },
    ],
    ['a coordinator runs', { children: stopped, coordinators: [{ exitCode: undefined } as never] }],
    [
      'the suspension of its Job was not seen',
      { children: { ...stopped, job: heldJob({ spec: { suspend: true } }) } },
    ],
  ];
  it.each(early)('has no janitor while %s', (_, change) => {
    expect(planned({ ...deleted, ...change })).not.toContain('apply Job/users-janitor');
    expect(why({ ...deleted, ...change })).toMatch(/^Coordinator, workers and gateways stop; then/);
  });

  it('goes when its janitor has done its work, not when that failed', () => {
    expect(planned({ ...deleted, children: stopped })).toContain('apply Job/users-janitor');
    expect(planned({ ...deleted, children: janitor(undefined) })).toContain(
      'wait for the janitor to end',
    );
    expect(planned({ ...deleted, children: janitor('Failed') })).not.toContain(letGo);
    expect(planned({ ...deleted, children: janitor('Complete') })).toContain(letGo);
  });

  it('says what keeps it and how to leave the data', () => {
    const away = { ...deleted, children: stopped, secretKeys: () => undefined };

    expect(why(away)).toMatch(/^Job\/users-janitor cannot start\. .*deletionPolicy to Retain/);
    expect(why({ ...deleted, children: stopped })).toBe('Job/users-janitor takes the data away.');
  });
});

describe('an import that is kept for a while', () => {
  const spec: CsvImportSpec = { ...usersSpec, ttlAfterFinished: '1h' };
  const deletion = 'delete CsvImport/users';
  const ended = (type: string, at: string): Partial<Observed> => ({
    status: {
      observedGeneration: 1,
      conditions: [
        {
          type,
          status: 'True',
          reason: type,
          message: '',
          lastTransitionTime: at,
          observedGeneration: 1,
        },
      ],
    },
  });

  it.each([
    ['deleted when its time is over', 'Complete', '2030-01-01T23:00:00Z', true],
    ['kept until then', 'Complete', '2030-01-01T23:00:01Z', false],
  ])('is %s', (_, type, at, isDeleted) => {
    expect(planned(ended(type, at), spec).includes(deletion)).toBe(isDeleted);
    expect(planned(ended(type, at))).not.toContain(deletion);
  });

  it('counts the time of a failure too, but not of one that is about to be overcome', () => {
    const failed = {
      ...ended('Failed', '2030-01-01T00:00:00Z'),
      children: { ...noChildren, job: heldJob({ uid: 'job' }) },
      coordinators: [
        { jobUid: 'uid-of-users-coordinator', exitCode: 65, report: { reason: 'TooManyRejects' } },
      ] as never,
    };
    const raised = { ...spec, rejects: { maxRows: 9 } };

    expect(planned(failed, spec)).toContain(deletion);
    expect(planned(failed, raised)).not.toContain(deletion);
  });
});
