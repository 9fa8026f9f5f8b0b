import { Compile } from 'typebox/compile';
import { status as statusSchema, type CsvImportStatus } from '@millrace/crds/csv-import';
import type { CsvImportSpec } from '@millrace/crds/csv-import';
import { describe, expect, it } from 'vitest';
import { report, usersSpec } from '../../../test/import-cluster.ts';
import { careFor, heldDeployment, heldJob, noChildren, observed } from '../../../test/observed.ts';
import { conditionOf } from '../../machinery/conditions.ts';
import type { CoordinatorPod, Observed } from './observed.ts';
import { plan } from './plan.ts';
import { status, type StatusInput } from './status.ts';

const now = '2030-01-01T00:00:00.000Z';
const pod: CoordinatorPod = {
  uid: 'uid-of-pod',
  name: 'users-coordinator-x',
  jobUid: 'uid-of-users-coordinator',
  isReady: true,
  isTerminating: false,
  isDisrupted: false,
  pendingReason: undefined,
  exitCode: undefined,
  report: undefined,
};
const children = {
  ...noChildren,
  job: heldJob(),
  worker: heldDeployment('worker', { replicas: 0, ready: 0 }),
  gateway: heldDeployment('gateway', { replicas: 1, ready: 1 }),
};

function made(
  change: Partial<Observed>,
  { spec = usersSpec, ...input }: Partial<StatusInput> & { readonly spec?: CsvImportSpec } = {},
): CsvImportStatus {
  const held = observed({ children, ...change });
  const care = careFor(spec, held);
  return status({
    observed: held,
    care,
    plan: plan({ care, observed: held, now: 0 }),
    obstacle: undefined,
    isPaused: false,
    changed: [],
    now,
    ...input,
  });
}

type Case = readonly [
  given: string,
  held: CsvImportStatus,
  ...waits: (readonly [string, string?])[],
];

const ended = { status: { conditions: [{ type: 'Complete', status: 'True' }] } };
const final = { ...pod, exitCode: 0, report: report({ state: 'Complete' }) };
const away = { name: 'postgres', ok: false, reason: 'Refused', since: now } as const;

const cases: readonly Case[] = [
  [
    'no Secret and no claim',
    made({ children: noChildren, secretKeys: () => undefined, claim: () => undefined }),
    [
      'Secret millrace-backends with the keys POSTGRES_URL, RABBITMQ_URL',
      'Secret/millrace-backends',
    ],
  ],
  [
    'a Secret that lacks a key',
    made({ children: noChildren, secretKeys: () => ['POSTGRES_URL'] }),
    ['Secret millrace-backends with the keys RABBITMQ_URL too', 'Secret/millrace-backends'],
  ],
  [
    'no claim',
    made({ children: noChildren, claim: () => undefined }),
    ['PersistentVolumeClaim data', 'PersistentVolumeClaim/data'],
  ],
  [
    'a coordinator of before',
    made({ children: noChildren, coordinators: [{ ...pod, jobUid: 'another' }] }),
    ['the previous coordinator to end', 'Pod/users-coordinator-x'],
  ],
  ['a Job without a pod', made({}), ['the coordinator’s pod', 'Job/users-coordinator']],
  [
    'a pod on its way',
    made({ coordinators: [{ ...pod, pendingReason: 'ContainerCreating' }] }),
    ['the coordinator’s pod to run', 'Pod/users-coordinator-x'],
  ],
  [
    'a pod without its image',
    made({ coordinators: [{ ...pod, pendingReason: 'ImagePullBackOff' }] }),
    ['the coordinator’s pod to run: ImagePullBackOff', 'Pod/users-coordinator-x'],
  ],
  [
    'a coordinator that says nothing',
    made({ coordinators: [pod] }),
    ['the first report of the coordinator', 'Pod/users-coordinator-x'],
  ],
  [
    'a coordinator that waits',
    made({
      coordinators: [pod],
      progress: report({ state: 'Waiting', reason: 'TargetInUse', message: 'Import b has it.' }),
    }),
    ['Import b has it.', 'Pod/users-coordinator-x'],
  ],
  [
    'a backend that is away',
    made({ coordinators: [pod], progress: report({ backends: [away] }) }),
    ['postgres to answer', 'Secret/millrace-backends'],
  ],
  ['a coordinator at work', made({ coordinators: [pod], progress: report() })],
  [
    'a coordinator that crashes',
    made({ coordinators: [1, 2, 3].map((exitCode) => ({ ...pod, isReady: false, exitCode })) }),
    ['a coordinator that does not crash', 'Job/users-coordinator'],
  ],
  [
    'an end that nobody read',
    made({ children: { ...children, job: heldJob(ended) } }),
    ['the pod of the ended coordinator', 'Job/users-coordinator'],
  ],
  [
    'a gateway that is not up',
    made({ children: { ...children, gateway: undefined }, coordinators: [final] }),
    ['every gateway to be ready', 'Deployment/users-gateway'],
  ],
  ['a complete import', made({ coordinators: [final] })],
  [
    'suspend, and pods that drain',
    made({ coordinators: [pod] }, { spec: { ...usersSpec, suspend: true } }),
    ['the coordinator to drain', 'Pod/users-coordinator-x'],
    ['spec.suspend to be removed', 'CsvImport/users'],
  ],
  ['paused', made({}, { isPaused: true }), ['spec.paused to be removed', 'CsvImport/users']],
  [
    'a name that is taken',
    made(
      { children: noChildren },
      { obstacle: { reason: 'NameTaken', message: 'Taken.', object: 'ConfigMap/users-config' } },
    ),
    ['the name of a child to be free', 'ConfigMap/users-config'],
  ],
  ['deletion', made({ isDeleting: true })],
];

describe('what an import waits for', () => {
  for (const [given, held, ...waits] of cases) {
    it(`is named with its object, given ${given}`, () => {
      expect((held.waiting ?? []).map(({ what, object }) => [what, object])).toEqual(waits);
    });
  }

  it('fits the schema, with the time it is looked at again where nothing wakes it', () => {
    const check = Compile(statusSchema);
    for (const [given, held] of cases) {
      expect([...check.Errors(held)], given).toEqual([]);
    }
    const [, unread] = cases.find(([given]) => given === 'an end that nobody read') ?? [];
    expect(unread?.waiting).toMatchObject([{ retrySeconds: 10 }]);
  });

  it('keeps its dates, whatever the time of a later pass', () => {
    const first = made({ coordinators: [pod] });
    const later = made({ coordinators: [pod], status: first }, { now: '2031-01-01T00:00:00.000Z' });

    expect(later).toEqual(first);
  });

  it('is named by the condition too, with the object and what to do', () => {
    const stuck = made({ coordinators: [{ ...pod, pendingReason: 'Unschedulable' }] });

    expect(conditionOf(stuck.conditions, 'Ready')).toMatchObject({
      reason: 'CoordinatorPending',
      message:
        'Pod/users-coordinator-x of the coordinator does not start (Unschedulable). No node has room for it, or may take it. Its events say more.',
    });
    const waiting = cases.filter(([, held]) => held.waiting !== undefined);
    for (const [given, { conditions, waiting: waits = [] }] of waiting) {
      const names = waits.map(({ object = '' }) => object.split('/')[1] ?? '');
      const said = (conditions ?? [])
        .filter(({ status: claimed, type }) => claimed !== 'True' || type === 'Stalled')
        .map(({ message }) => message)
        .join(' ');
      const isNamed = names.some((name) => said.includes(name)) || /spec\.|Taken|has it/.test(said);
      expect(isNamed, `${given}: ${said}`).toBe(true);
    }
  });
});
