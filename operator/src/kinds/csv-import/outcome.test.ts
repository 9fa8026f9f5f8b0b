import { describe, expect, it } from 'vitest';
import { report } from '../../../test/import-cluster.ts';
import { heldJob, noChildren, observed } from '../../../test/observed.ts';
import type { CoordinatorPod } from './observed.ts';
import { outcomeOf } from './outcome.ts';

const pod: CoordinatorPod = {
  uid: 'uid-of-pod',
  name: 'pod',
  jobUid: 'uid-of-users-coordinator',
  isReady: false,
  isTerminating: false,
  isDisrupted: false,
  pendingReason: undefined,
  exitCode: undefined,
  report: undefined,
};

function stateOf(job: object, ...coordinators: readonly CoordinatorPod[]): string {
  const children = { ...noChildren, job: heldJob(job) };
  return outcomeOf(observed({ children, coordinators })).state;
}

function ended(type: string): object {
  return { status: { conditions: [{ type, status: 'True' }] } };
}

describe('outcome', () => {
  const loading = report({ state: 'Loading' });
  const cases: readonly [
    what: string,
    job: object,
    pods: readonly CoordinatorPod[],
    state: string,
  ][] = [
    ['a Job without pods', {}, [], 'Running'],
    ['a pod that ended with 0', {}, [{ ...pod, exitCode: 0 }], 'Complete'],
    [
      'a pod told to stop that ended with 0',
      {},
      [{ ...pod, exitCode: 0, isTerminating: true }],
      'Running',
    ],
    [
      'a pod that ended with 0 in the middle',
      {},
      [{ ...pod, exitCode: 0, report: loading }],
      'Running',
    ],
    [
      'a Job that took such an end for success',
      ended('Complete'),
      [{ ...pod, exitCode: 0, report: loading }],
      'Unread',
    ],
    ['a pod that ended with 64', {}, [{ ...pod, exitCode: 64 }], 'BadConfiguration'],
    ['a pod that ended with 65', {}, [{ ...pod, exitCode: 65 }], 'Failed'],
    ['a pod that was killed', {}, [{ ...pod, exitCode: 137 }], 'Running'],
    [
      'a pod of an earlier Job',
      {},
      [{ ...pod, exitCode: 65, jobUid: 'uid-of-another' }],
      'Running',
    ],
    [
      'a crash and then success',
      {},
      [
        { ...pod, exitCode: 0 },
        { ...pod, exitCode: 70 },
      ],
      'Complete',
    ],
    ['an ended Job without pods', ended('Complete'), [], 'Unread'],
    ['a failed Job without pods', ended('Failed'), [], 'Unread'],
    [
      'a Job whose end is not true',
      { status: { conditions: [{ type: 'Complete', status: 'False' }] } },
      [],
      'Running',
    ],
  ];
  for (const [what, job, pods, state] of cases) {
    it(`of ${what} is ${state}`, () => {
      expect(stateOf(job, ...pods)).toBe(state);
    });
  }

  it('does not count pods that the cluster took away as crashes', () => {
    const children = { ...noChildren, job: heldJob() };
    const taken = { ...pod, exitCode: 137, isDisrupted: true };

    expect(outcomeOf(observed({ children, coordinators: [taken, taken, taken] }))).toEqual({
      state: 'Running',
      crashes: 0,
    });
  });
});
