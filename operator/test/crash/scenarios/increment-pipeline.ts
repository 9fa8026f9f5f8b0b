/**
 * The stories of IncrementPipeline. Steps say what people, Kubernetes' own controllers and the pods do;
 * the operator has settled between any two of them.
 *
 * Beyond the state in the end, no write may stop the workers while increments are in flight, nor let
 * the resource go before its janitor has done its work: whatever went wrong before.
 */
import { apiVersion } from '@millrace/crds/define-kind';
import type { IncrementPipelineProgress } from '@millrace/crds/increment-pipeline';
import { incrementPipeline } from '../../../src/kinds/increment-pipeline/index.ts';
import { drainFinalizer } from '../../../src/kinds/increment-pipeline/names.ts';
import { incrementPipelines } from '../../../src/kinds/increment-pipeline/resource-types.ts';
import type { KubeObject, ResourceType } from '../../../src/machinery/kube-api.ts';
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
import { autoscale, jumped, metricsAre, replicasOf } from '../../autoscaler.ts';
import {
  backlog,
  namespace,
  pipelineBackends,
  pipelineReport,
  PipelineWorld,
  views,
} from '../../pipeline-world.ts';
import type { KindProof, Scenario, Step } from '../scenario.ts';
import type { Effect } from '../side-effects.ts';

type PipelineStep = Step<PipelineWorld>;
type Act = PipelineStep['run'];

/** Without the rules of the definition: they are tested elsewhere, and judging them takes its time. */
const world = () => new PipelineWorld({ isLenient: true });

function step(name: string, ...acts: readonly Act[]): PipelineStep {
  return {
    name,
    run: async (at) => {
      for (const act of acts) await act(at);
    },
  };
}

function reports(change: Partial<IncrementPipelineProgress> = {}): Act {
  return (at) => {
    at.progress = pipelineReport(change);
    return Promise.resolve();
  };
}

const isSilent: Act = (at) => {
  at.progress = undefined;
  return Promise.resolve();
};

const changes =
  (spec: object): Act =>
  (at) =>
    at.changeSpec(spec);

const isDeleted: Act = (at) => at.delete(incrementPipelines, 'views');
const rollsOut: Act = (at) => at.rollOutAll();

const created = step('the pipeline is created', (at) => at.given());
const rolled = step('its pods run', reports(), rollsOut);
const running = [created, rolled];

/** Three workers do this; one does a thousand a second. */
const busy = {
  rates: { acceptedPerSecond: 2_000, committedPerSecond: 2_000, perWorkerPerSecond: 1_000 },
};
const quiet = {
  rates: { acceptedPerSecond: 100, committedPerSecond: 100, perWorkerPerSecond: 1_000 },
};
/** Nobody takes increments any more, and some are not committed. */
const emptying = { backlog: backlog(3), members: { gateways: 0, workers: 1 } };
const empty = { members: { gateways: 0, workers: 1 } };

const gatewaysStop = step('its gateways stop', reports(emptying), (at) => at.rollOut('gateway'));
const isEmptied = step('its workers have committed everything', reports(empty));
const workersStop = step('its workers stop', isSilent, (at) => at.rollOut('worker'));
const drains = [gatewaysStop, isEmptied, workersStop];

const janitorEnds = step('its janitor does its work', async (at) => {
  await at.endJanitor(await at.runJanitor(), 0);
});

/** Fails unless a condition has this reason: a story that misses its point proves nothing. */
function isFor(type: string, reason: string): Act {
  return async (at) => {
    const held = (await at.status())?.conditions?.find((condition) => condition.type === type);
    if (held?.reason === reason) return;
    throw new Error(`${type} should be for ${reason} and is for ${held?.reason}: ${held?.message}`);
  };
}

const isAccepting = isFor('Ready', 'Accepting');

async function expectWorkers(at: PipelineWorld, wanted: number): Promise<void> {
  const replicas = await at.replicas('worker');
  if (replicas !== wanted) throw new Error(`there should be ${wanted} workers and are ${replicas}`);
}

/** Fails unless there are so many workers by now. */
const hasWorkers =
  (wanted: number): Act =>
  (at) =>
    expectWorkers(at, wanted);

const isAllGone: Scenario<PipelineWorld>['ends'] = async (at) => {
  for (const type of [incrementPipelines, ...ownedTypes]) {
    const { items } = await at.api.list(type);
    const [left] = items.filter(({ metadata }) => metadata.name.startsWith('views'));
    if (left !== undefined) throw new Error(`${left.kind} ${left.metadata.name} should be gone`);
  }
};

function story(
  steps: readonly PipelineStep[],
  ends: Scenario<PipelineWorld>['ends'],
): Scenario<PipelineWorld> {
  return { world, steps, ends };
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
  (type: ResourceType, name: string, rest: object): Act =>
  async (at) => {
    await at.api.apply(type, foreign(type, name, rest), { fieldManager: 'kubectl', force: true });
  };

const hasMetricsApi = step('there is a metrics API', (at) => metricsAre(at.api, 'Millrace'));

/** Fails unless there is one. */
const isAutoscaled: Act = async (at) => {
  if (await autoscale(at.api, { type: incrementPipelines, ref: views })) return;
  throw new Error('nothing scales the workers');
};

const hasNo =
  (type: ResourceType): Act =>
  async (at) => {
    const held = await at.read(type, 'views-worker');
    if (held !== undefined) throw new Error(`${type.kind} should be gone`);
  };

const scenarios = {
  create: story(running, isAccepting),

  change: story(
    [
      ...running,
      step('it is to commit less often', changes({ flush: { interval: '2s' } })),
      step('gateways are added', changes({ gateway: { replicas: 3 } })),
      rolled,
    ],
    isAccepting,
  ),

  scale: story(
    [
      ...running,
      step('much comes in', reports(busy)),
      {
        ...step('less comes in', hasWorkers(3), reports(quiet)),
        // A minute of calm, and what a process that starts in between does not remember of it.
        settleMs: 85_000,
      },
      step('more are always wanted', hasWorkers(1), changes({ workers: { min: 2, max: 3 } })),
    ],
    (at) => expectWorkers(at, 2),
  ),

  suspend: story(
    [
      ...running,
      // What was asked before the gateways were gone proves nothing, though it looks like a proof.
      step('it is suspended', reports(empty), changes({ suspend: true })),
      ...drains,
      step('it is resumed', hasWorkers(0), changes({ suspend: false })),
      rolled,
    ],
    isAccepting,
  ),

  delete: story(
    [
      ...running,
      step('it is deleted', reports({ backlog: backlog(5) }), isDeleted),
      ...drains,
      janitorEnds,
    ],
    isAllGone,
  ),

  'delete with Purge': story(
    [
      ...running,
      step(
        'it is deleted with all it has',
        reports({ backlog: backlog(5) }),
        changes({ deletionPolicy: 'Purge' }),
        isDeleted,
      ),
      step('its pods stop', isSilent, rollsOut),
      janitorEnds,
    ],
    isAllGone,
  ),

  'backend lost': story(
    [
      ...running,
      step('the Secret is removed', (at) => at.delete(secrets, 'millrace-backends')),
      step('the Secret is back', (at) => at.createSecret(pipelineBackends)),
      step(
        'a pod reports a backend away',
        reports({
          state: 'Waiting',
          backends: [{ name: 'postgres', ok: false, reason: 'ConnectionRefused' }],
        }),
      ),
      step('a pod reports it back', reports()),
    ],
    isFor('BackendsReady', 'Connected'),
  ),

  'pod lost': story(
    [
      ...running,
      step('its worker is lost', isSilent, async (at) => {
        for (const { metadata } of await at.podsOf('worker')) await at.delete(pods, metadata.name);
        await at.setStatus(deployments, 'views-worker', { replicas: 1, readyReplicas: 0 });
      }),
      step('another runs', reports(), rollsOut),
    ],
    isAccepting,
  ),

  'invalid change': story(
    [
      ...running,
      step('the spec becomes wrong', changes({ flush: { interval: '0s' } })),
      step('a child is deleted', (at) => at.delete(services, 'views-gateway')),
      step('much comes in', reports(busy)),
    ],
    async (at) => {
      await isFor('Stalled', 'InvalidSpec')(at);
      await expectWorkers(at, 3);
    },
  ),

  paused: story(
    [
      ...running,
      step('it is paused', changes({ paused: true })),
      step('much comes in, and a child is deleted', reports(busy), (at) =>
        at.delete(services, 'views-gateway'),
      ),
      step('it goes on', hasWorkers(1), changes({ paused: false })),
    ],
    (at) => expectWorkers(at, 3),
  ),

  'name taken': story(
    [
      ...running,
      step('its Service is taken over by somebody else', async (at) => {
        const metadata = { ownerReferences: [], labels: null };
        await at.api.patch(services, { namespace, name: 'views-gateway' }, { metadata });
      }),
      {
        ...step('the name is free', isFor('Ready', 'NameTaken'), (at) =>
          at.delete(services, 'views-gateway'),
        ),
        // Nobody watches objects that are not ours: the refusal is retried every half minute.
        settleMs: 40_000,
      },
    ],
    isAccepting,
  ),

  drift: story(
    [
      ...running,
      step(
        'a container gets another image',
        meddle(deployments, 'views-gateway', {
          spec: { template: { spec: { containers: [{ name: 'gateway', image: 'other' }] } } },
        }),
      ),
      step(
        'the configuration is edited',
        meddle(configMaps, 'views-config', { data: { 'config.json': '{}' } }),
      ),
      step('replicas are edited', meddle(deployments, 'views-worker', { spec: { replicas: 0 } })),
      step('the finalizer is taken away', async (at) => {
        await at.api.patch(incrementPipelines, views, { metadata: { finalizers: [] } });
      }),
      step(
        'the status is edited',
        async (at) => {
          const { kind } = incrementPipelines;
          const status = { observedGeneration: 99, gateways: { ready: 77 } };
          await at.api.applyStatus(
            incrementPipelines,
            { apiVersion, kind, metadata: views, status },
            { fieldManager: 'kubectl', force: true },
          );
        },
        reports(busy),
      ),
    ],
    isAccepting,
  ),

  autoscaled: story(
    [
      ...running,
      hasMetricsApi,
      step('much comes in', reports(busy)),
      step('the autoscaler is deleted', isAutoscaled, hasWorkers(3), (at) =>
        at.delete(autoscalers, 'views-worker'),
      ),
      step(
        'it is edited',
        hasWorkers(3),
        meddle(autoscalers, 'views-worker', { spec: { maxReplicas: 9 } }),
      ),
      step('it is deleted', isAutoscaled, reports({ backlog: backlog(5) }), isDeleted),
      ...drains,
      step('its janitor does its work', hasNo(autoscalers), janitorEnds.run),
    ],
    isAllGone,
  ),

  'driver changes': story(
    [
      ...running,
      step('much comes in', reports(busy)),
      step('there is a metrics API', hasWorkers(3), (at) => metricsAre(at.api, 'Millrace')),
      step('somebody adds a worker', hasWorkers(3), (at) =>
        at.api
          .patch(deployments, { namespace, name: 'views-worker' }, { spec: { replicas: 4 } })
          .then(() => undefined),
      ),
      step('KEDA takes it over', hasWorkers(4), isAutoscaled, (at) => metricsAre(at.api, 'KEDA')),
      step(
        'the operator is to scale',
        hasWorkers(3),
        hasNo(autoscalers),
        changes({ scaling: { driver: 'Direct' } }),
      ),
      step(
        'an autoscaler that the cluster does not have is asked for',
        hasNo(scaledObjects),
        changes({ scaling: { driver: 'HPA' } }),
      ),
    ],
    async (at) => {
      await isFor('AutoscalingReady', 'ExternalMetricsTaken')(at);
      await expectWorkers(at, 3);
    },
  ),
} satisfies KindProof<PipelineWorld>['scenarios'];

/** What the pods would say at this moment, whoever asks. */
function isInFlight({ progress }: PipelineWorld): boolean {
  return progress !== undefined && (progress.backlog.entries > 0 || progress.members.gateways > 0);
}

function isHeld(object: KubeObject | undefined): boolean {
  return object?.metadata.finalizers?.includes(drainFinalizer) === true;
}

async function isPurged(at: PipelineWorld): Promise<boolean> {
  const resource = await at.read(incrementPipelines, 'views');
  const { deletionPolicy } = (resource?.['spec'] ?? {}) as { readonly deletionPolicy?: string };
  return deletionPolicy === 'Purge' && resource?.metadata.deletionTimestamp !== undefined;
}

async function hasJanitorEnded(at: PipelineWorld): Promise<boolean> {
  const janitor = await at.read(jobs, 'views-janitor');
  return janitor !== undefined && jobFacts(janitor).end === 'Complete';
}

function stopsWorkers({ call, before, after }: Effect): boolean {
  return call.ref?.name === 'views-worker' && replicasOf(before) > 0 && replicasOf(after) === 0;
}

function workersOf({ call, before, after }: Effect): Pick<Effect, 'before' | 'after'> {
  const isOfWorkers = call.type.kind === deployments.kind && call.ref?.name === 'views-worker';
  return isOfWorkers ? { before, after } : { before: undefined, after: undefined };
}

function letsGo({ call, before, after }: Effect): boolean {
  return call.type.kind === incrementPipelines.kind && isHeld(before) && !isHeld(after);
}

const never: KindProof<PipelineWorld>['never'] = async (effect, at) => {
  if (stopsWorkers(effect) && isInFlight(at) && !(await isPurged(at))) {
    return 'stopped the workers with increments in flight';
  }
  const jump = await jumped(at.api, { namespace, name: 'views-worker' }, workersOf(effect));
  if (jump !== undefined) return jump;
  if (letsGo(effect) && !(await hasJanitorEnded(at))) {
    return 'let the pipeline go before its janitor had done its work';
  }
  return undefined;
};

export const proof: KindProof<PipelineWorld> = {
  kind: incrementPipeline,
  types: [incrementPipelines, ...ownedTypes, scaledObjects, pods],
  scenarios,
  never,
};
