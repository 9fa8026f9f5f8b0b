/**
 * The stories of CsvImport. Steps say what people, Kubernetes' own controllers and the coordinator do;
 * the operator has settled between any two of them.
 */
import type { CsvImportProgress } from '@millrace/crds/csv-import';
import { apiVersion } from '@millrace/crds/define-kind';
import { purgeFinalizer } from '../../../src/kinds/csv-import/names.ts';
import { csvImport } from '../../../src/kinds/csv-import/index.ts';
import { csvImports } from '../../../src/kinds/csv-import/resource-types.ts';
import { jobFacts } from '../../../src/machinery/workload/job.ts';
import {
  autoscalers,
  configMaps,
  deployments,
  jobs,
  ownedTypes,
  pods,
  scaledObjects,
  secrets,
  services,
} from '../../../src/machinery/workload/resource-types.ts';
import type { KubeObject, ResourceType } from '../../../src/machinery/kube-api.ts';
import { autoscale, jumped, metricsAre } from '../../autoscaler.ts';
import { backends, ImportWorld, namespace, report, users } from '../../import-world.ts';
import type { KindProof, Scenario, Step } from '../scenario.ts';
import type { Effect } from '../side-effects.ts';

type ImportStep = Step<ImportWorld>;

const totals = { read: 10, loaded: 9, superseded: 1, rejected: 0, comments: 0, blank: 0 };
const done = report({ state: 'Complete', totals, workers: { wanted: 0, why: 'done' } });
/** Without the rules of the definition: they are tested elsewhere, and judging them takes its time. */
const world = () => new ImportWorld({ isLenient: true });

function step(name: string, ...acts: readonly ImportStep['run'][]): ImportStep {
  return {
    name,
    run: async (at) => {
      for (const act of acts) await act(at);
    },
  };
}

function reports(change: Partial<CsvImportProgress> = {}): ImportStep['run'] {
  return (at) => {
    at.progress = report(change);
    return Promise.resolve();
  };
}

const isSilent: ImportStep['run'] = (at) => {
  at.progress = undefined;
  return Promise.resolve();
};

const starts: ImportStep['run'] = async (at) => {
  await at.runCoordinator();
};

const rollsOut: ImportStep['run'] = async (at) => {
  for (const name of ['users-gateway', 'users-worker']) {
    if ((await at.read(deployments, name)) !== undefined) await at.rollOut(name);
  }
};

const changes =
  (spec: object): ImportStep['run'] =>
  (at) =>
    at.changeSpec(spec);

/** The coordinator's pods are counted from 1 within a story. */
const pod = (number: number): string => `users-coordinator-${number}`;

const ends =
  (number: number, end: Parameters<ImportWorld['endCoordinator']>[1]): ImportStep['run'] =>
  (at) =>
    at.endCoordinator(pod(number), end);

const created = step('the import is created', (at) => at.given());
const runs = step('its coordinator runs', reports(), starts);
const rolled = step('its Deployments are rolled out', rollsOut);
const running = [created, runs, rolled];
const finishes = (number: number) =>
  step(
    'the coordinator ends',
    isSilent,
    ends(number, { exitCode: 0, message: JSON.stringify(done) }),
  );

/** Fails unless a condition has this reason: a story that misses its point proves nothing. */
function expectReason(type: string, reason: string): Scenario<ImportWorld>['ends'] {
  return async (at) => {
    const held = (await at.status())?.conditions?.find((condition) => condition.type === type);
    if (held?.reason === reason) return;
    throw new Error(`${type} should be for ${reason} and is for ${held?.reason}: ${held?.message}`);
  };
}

/** Fails unless the object is there and has been from the beginning. */
function stands(type: ResourceType, name: string): ImportStep['run'] {
  return async (at) => {
    const uid = (await at.read(type, name))?.metadata.uid;
    if (uid?.endsWith('-1') !== true) throw new Error(`${name} should stand and is ${uid}`);
  };
}

async function expectAbsent(at: ImportWorld, type: ResourceType, name: string): Promise<void> {
  if ((await at.read(type, name)) !== undefined) throw new Error(`${name} should be gone`);
}

const isAllGone: Scenario<ImportWorld>['ends'] = async (at) => {
  for (const type of [csvImports, ...ownedTypes]) {
    const [left] = (await at.api.list(type)).items;
    if (left !== undefined) throw new Error(`${left.kind} ${left.metadata.name} should be gone`);
  }
};

function isHeld(object: KubeObject | undefined): boolean {
  return object?.metadata.finalizers?.includes(purgeFinalizer) === true;
}

const isHeldBack: ImportStep['run'] = async (at) => {
  if (!isHeld(await at.read(csvImports, 'users'))) throw new Error('it should be held');
};

function story(
  steps: readonly ImportStep[],
  end: Scenario<ImportWorld>['ends'],
): Scenario<ImportWorld> {
  return { world, steps, ends: end };
}

/** Fails unless there is one. */
const isAutoscaled: ImportStep['run'] = async (at) => {
  if (await autoscale(at.api, { type: csvImports, ref: users })) return;
  throw new Error('nothing scales the workers');
};

const hasNo =
  (type: ResourceType): ImportStep['run'] =>
  (at) =>
    expectAbsent(at, type, 'users-worker');

const tooManyRejects = JSON.stringify(
  report({ state: 'Failed', reason: 'TooManyRejects', message: 'See the first rejects.' }),
);

const lost = (number: number, exitCode: number, isDisrupted: boolean): ImportStep['run'][] => [
  isSilent,
  ends(number, { exitCode, isDisrupted }),
  async (at) => {
    if (isDisrupted) await at.delete(pods, pod(number));
    else await at.setStatus(jobs, 'users-coordinator', { failed: 1 });
  },
];

async function finalizers(at: ImportWorld, held: readonly string[]): Promise<void> {
  await at.api.patch(csvImports, users, { metadata: { finalizers: held } });
}

function foreign(type: ResourceType, name: string, rest: object): KubeObject {
  return {
    apiVersion: type.apiVersion,
    kind: type.kind,
    metadata: { namespace, name },
    ...rest,
  };
}

/** What an administrator with another tool does to a child: a forced apply under another name. */
const meddle =
  (type: ResourceType, name: string, rest: object): ImportStep['run'] =>
  async (at) => {
    await at.api.apply(type, foreign(type, name, rest), { fieldManager: 'kubectl', force: true });
  };

const scenarios = {
  create: story(running, expectReason('Ready', 'Loading')),

  change: story(
    [
      ...running,
      step('the limit of rejects changes', changes({ rejects: { maxRows: 50 } })),
      step('the new coordinator runs', starts),
      step('gateways are added', changes({ serve: { enabled: true, replicas: 3 } })),
      rolled,
      finishes(2),
    ],
    expectReason('Complete', 'Complete'),
  ),

  scale: story(
    [
      ...running,
      step('fewer workers are of use', reports({ workers: { wanted: 1, why: 'one chunk waits' } })),
      step('more are wanted than allowed', reports({ workers: { wanted: 9, why: 'many wait' } })),
      step('more are allowed', changes({ workers: { min: 0, max: 5 } })),
      step('some are always wanted', changes({ workers: { min: 3, max: 5 } })),
      step('they are rolled out', rollsOut),
      step('none is of use', reports({ workers: { wanted: 0, why: 'nothing waits' } })),
    ],
    async (at) => {
      const { replicas } = ((await at.read(deployments, 'users-worker'))?.['spec'] ?? {}) as {
        replicas?: number;
      };
      if (replicas !== 3) throw new Error(`there should be 3 workers and are ${replicas}`);
    },
  ),

  suspend: story(
    [
      ...running,
      step('it is suspended', changes({ suspend: true })),
      step('its pods stop', isSilent, (at) => at.delete(pods, pod(1)), rollsOut),
      step('it is resumed', changes({ suspend: false })),
      step('its coordinator runs again', reports(), starts),
      finishes(2),
    ],
    expectReason('Complete', 'Complete'),
  ),

  delete: story(
    [...running, step('it is deleted', isSilent, (at) => at.delete(csvImports, 'users'))],
    async (at) => {
      for (const name of ['users-config']) await expectAbsent(at, configMaps, name);
      await expectAbsent(at, jobs, 'users-coordinator');
      await expectAbsent(at, deployments, 'users-worker');
      await expectAbsent(at, services, 'users-gateway');
    },
  ),

  'delete with Purge': story(
    [
      ...running,
      step('its data is to go with it', changes({ deletionPolicy: 'Purge' })),
      step('it is deleted', isSilent, (at) => at.delete(csvImports, 'users')),
      step('its pods stop', (at) => at.stopCoordinator(pod(1)), rollsOut),
      step('its janitor does its work', async (at) => {
        await at.endJanitor(await at.runJanitor(), 0);
      }),
    ],
    isAllGone,
  ),

  'data that stays after all': story(
    [
      created,
      step('its data is to go with it', changes({ deletionPolicy: 'Purge' })),
      step('it is deleted', isHeldBack, (at) => at.delete(csvImports, 'users')),
      step('its data is to stay', changes({ deletionPolicy: 'Retain' })),
    ],
    isAllGone,
  ),

  'kept for a while': story(
    [
      ...running,
      step('it is to be kept for a moment', changes({ ttlAfterFinished: '10s' })),
      { ...finishes(1), settleMs: 75_000 },
    ],
    isAllGone,
  ),

  'deleted slowly': story(
    [
      ...running,
      step('somebody wants to see it go', (at) => finalizers(at, ['example.com/archive'])),
      step('it is deleted', (at) => at.delete(csvImports, 'users')),
      step('its workers are of use still', reports({ workers: { wanted: 1, why: 'one waits' } })),
      step('it may go', stands(deployments, 'users-worker'), (at) => finalizers(at, [])),
    ],
    (at) => expectAbsent(at, deployments, 'users-worker'),
  ),

  'deleted and made again': story(
    [
      ...running,
      step(
        'it is deleted, and made again at once',
        isSilent,
        (at) => at.delete(csvImports, 'users'),
        (at) => at.createImport(),
      ),
      runs,
      rolled,
    ],
    expectReason('Ready', 'Loading'),
  ),

  'backend lost': story(
    [
      ...running,
      step('the Secret is removed', (at) => at.delete(secrets, 'millrace-backends')),
      step('the limit of rejects changes', changes({ rejects: { maxRows: 50 } })),
      step('the Secret is back without a key', (at) => at.createSecret({ POSTGRES_URL: 'cA==' })),
      step('the key is back', (at) =>
        at.api
          .patch(secrets, { namespace, name: 'millrace-backends' }, { data: backends })
          .then(() => undefined),
      ),
      step('the new coordinator runs', starts),
      step(
        'it reports a backend away',
        reports({
          state: 'Waiting',
          backends: [{ name: 'postgres', ok: false, reason: 'ConnectionRefused' }],
        }),
      ),
      step('it reports the backend back', reports()),
    ],
    expectReason('BackendsReady', 'Connected'),
  ),

  'pod lost': story(
    [
      ...running,
      step('the pod is disrupted', ...lost(1, 143, true)),
      step('another runs', reports(), starts),
      step('it is killed', ...lost(2, 137, false)),
      step('another runs after that', reports(), starts),
      step('its node is gone with it', isSilent, (at) => at.delete(pods, pod(3))),
      step('the last runs', reports(), starts),
      finishes(4),
    ],
    expectReason('Complete', 'Complete'),
  ),

  completed: story(
    [
      ...running,
      finishes(1),
      step('its workers are gone and its gateway is up', rollsOut),
      step('the Job is removed', (at) => at.delete(jobs, 'users-coordinator')),
    ],
    expectReason('Ready', 'Complete'),
  ),

  'report lost': story(
    [
      ...running,
      step(
        'the Job ends and its pod is gone before anyone read it',
        isSilent,
        (at) => at.delete(pods, pod(1)),
        (at) => at.endJob('Complete'),
      ),
      step('its coordinator runs once more', starts),
      finishes(2),
    ],
    expectReason('Complete', 'Complete'),
  ),

  failed: story(
    [
      ...running,
      step('the input is refused', isSilent, ends(1, { exitCode: 65, message: tooManyRejects })),
      step('the limits are raised', changes({ rejects: { maxRows: 5_000 } })),
      step('the new coordinator runs', reports(), starts),
      finishes(2),
    ],
    expectReason('Complete', 'Complete'),
  ),

  'invalid change': story(
    [
      ...running,
      step('the spec becomes wrong', changes({ cache: { ttl: '0s' } })),
      step('a child is deleted', (at) => at.delete(services, 'users-gateway')),
      step('fewer workers are of use', reports({ workers: { wanted: 1, why: 'one chunk waits' } })),
    ],
    expectReason('Stalled', 'InvalidSpec'),
  ),

  'invalid change, and what was valid is lost': story(
    [
      ...running,
      step('the spec becomes wrong', changes({ cache: { ttl: '0s' } })),
      step('the last valid one is deleted', (at) => at.delete(configMaps, 'users-config')),
      step(
        'the spec is right again',
        stands(jobs, 'users-coordinator'),
        changes({ cache: { ttl: '120s' } }),
      ),
    ],
    expectReason('Stalled', 'NotStalled'),
  ),

  paused: story(
    [
      ...running,
      step('it is paused', changes({ paused: true })),
      step('more workers are of use', reports({ workers: { wanted: 1, why: 'one chunk waits' } })),
      step('a child is deleted', (at) => at.delete(services, 'users-gateway')),
      step('it goes on', changes({ paused: false })),
    ],
    expectReason('Ready', 'Loading'),
  ),

  'name taken': story(
    [
      step(
        'somebody else has the name of the Job',
        async (at) => {
          await at.api.create(configMaps, foreign(configMaps, 'users-config', { data: {} }));
        },
        (at) => at.given(),
      ),
      {
        ...step('the name is free', (at) => at.delete(configMaps, 'users-config')),
        // Nobody watches objects that are not ours: the refusal is retried every half minute.
        settleMs: 40_000,
      },
      runs,
    ],
    expectReason('Ready', 'Loading'),
  ),

  drift: story(
    [
      ...running,
      step(
        'a container gets another image',
        meddle(deployments, 'users-gateway', {
          spec: { template: { spec: { containers: [{ name: 'gateway', image: 'other' }] } } },
        }),
      ),
      step(
        'the configuration is edited',
        meddle(configMaps, 'users-config', { data: { 'config.json': '{}' } }),
      ),
      step('replicas are edited', meddle(deployments, 'users-worker', { spec: { replicas: 7 } })),
      step('a Deployment is deleted', (at) => at.delete(deployments, 'users-worker')),
      step(
        'the status is edited',
        async (at) => {
          await at.api.applyStatus(
            csvImports,
            {
              apiVersion,
              kind: 'CsvImport',
              metadata: users,
              status: { observedGeneration: 99, percent: 77 },
            },
            { fieldManager: 'kubectl', force: true },
          );
        },
        reports({ workers: { wanted: 1, why: 'one chunk waits' } }),
      ),
    ],
    expectReason('Ready', 'Loading'),
  ),

  autoscaled: story(
    [
      ...running,
      step('there is a metrics API', (at) => metricsAre(at.api, 'Millrace')),
      step('more workers are of use', reports({ workers: { wanted: 2, why: 'two chunks wait' } })),
      step('the autoscaler acts', isAutoscaled),
      step('nothing is to be done', reports({ workers: { wanted: 0, why: 'no chunk waits' } })),
      step(
        'something is again',
        stands(autoscalers, 'users-worker'),
        reports({ workers: { wanted: 2, why: 'two chunks wait' } }),
      ),
      step('the autoscaler acts', isAutoscaled),
      step('it is suspended', changes({ suspend: true })),
      step('it is resumed', hasNo(autoscalers), changes({ suspend: false })),
      finishes(1),
    ],
    async (at) => {
      await expectReason('Complete', 'Complete')(at);
      await hasNo(autoscalers)(at);
    },
  ),

  'driver changes': story(
    [
      ...running,
      step('more workers are of use', reports({ workers: { wanted: 2, why: 'two chunks wait' } })),
      step('there is a metrics API', (at) => metricsAre(at.api, 'KEDA')),
      step(
        'fewer workers are of use',
        isAutoscaled,
        reports({ workers: { wanted: 1, why: 'one chunk waits' } }),
      ),
      step('another metrics API', isAutoscaled, (at) => metricsAre(at.api, 'Millrace')),
      step(
        'the operator is to scale',
        hasNo(scaledObjects),
        changes({ scaling: { driver: 'Direct' } }),
      ),
      finishes(1),
    ],
    async (at) => {
      await expectReason('Complete', 'Complete')(at);
      await hasNo(autoscalers)(at);
    },
  ),
} satisfies KindProof<ImportWorld>['scenarios'];

/** With its data still there, and no wish that it stays. */
async function lostData({ call, before, after }: Effect, at: ImportWorld): Promise<boolean> {
  if (call.type.kind !== csvImports.kind || !isHeld(before) || isHeld(after)) return false;
  const { deletionPolicy } = (before?.['spec'] ?? {}) as { readonly deletionPolicy?: string };
  if (deletionPolicy !== 'Purge') return false;
  const janitor = await at.read(jobs, 'users-janitor');
  return janitor === undefined || jobFacts(janitor).end !== 'Complete';
}

/** A coordinator would make again what the janitor takes away. */
async function startedEarly({ call, before, after }: Effect, at: ImportWorld): Promise<boolean> {
  if (call.ref?.name !== 'users-janitor' || before !== undefined || after === undefined) {
    return false;
  }
  const { items } = await at.api.list(pods);
  return items.some(({ metadata }) => metadata.name.startsWith('users-coordinator'));
}

const never: KindProof<ImportWorld>['never'] = async (effect, at) => {
  const { call, before, after } = effect;
  if (await lostData(effect, at)) return 'let the import go before its data was gone';
  if (await startedEarly(effect, at)) return 'started the janitor beside a coordinator';
  const worker = { namespace, name: 'users-worker' };
  const isOfWorkers = call.type.kind === deployments.kind && call.ref?.name === worker.name;
  return isOfWorkers ? await jumped(at.api, worker, { before, after }) : undefined;
};

export const proof: KindProof<ImportWorld> = {
  kind: csvImport,
  types: [csvImports, ...ownedTypes, scaledObjects, pods],
  scenarios,
  never,
};
