/**
 * Workers that follow a backlog: by an autoscaler of Kubernetes at its usual period, from one up, and by
 * the operator alone down to none.
 *
 * The backlog is real and costs the host nothing: a trigger on the table of the sums sleeps, so that
 * one worker commits a few hundred increments a second, and many thousand wait.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { HttpKubeApi } from '@millrace/operator/kube/http-api';
import { incrementPipelines } from '@millrace/operator/kinds/increment-pipeline/resource-types';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { uuids } from '../load/keys.ts';
import { Random } from '../load/random.ts';
import { expectExactSums } from './exact-sums.ts';
import { recordFigure } from './figures.ts';
import { seed, startLoad } from './load.ts';
import { serviceUrl, specOf, statusOf, waitForCondition, waitForReplicas } from './resources.ts';
import { apply, installedApi, kubectl, preparedNamespace, rows, type Rows } from './suite.ts';
import { waitFor, waitUntil } from './waiting.ts';

const namespace = 'scaling';
const autoscalers = {
  apiVersion: 'autoscaling/v2',
  kind: 'HorizontalPodAutoscaler',
  plural: 'horizontalpodautoscalers',
};

interface Driver {
  readonly name: string;
  readonly driver: 'HPA' | 'Direct';
  /** Backlog until another worker takes part. */
  readonly barSeconds: number;
}

const drivers: readonly Driver[] = [
  { name: 'by-hpa', driver: 'HPA', barSeconds: 10 },
  { name: 'by-operator', driver: 'Direct', barSeconds: 4 },
];

function pipeline({ name, driver }: Driver): object {
  return {
    apiVersion: 'millrace.dev/v1alpha1',
    kind: 'IncrementPipeline',
    metadata: { name, namespace },
    spec: {
      target: { table: tableOf(name) },
      durability: 'Fsync',
      partitions: 8,
      flush: { interval: '1s', maxKeys: 50, staleAfter: '8s' },
      idempotency: { window: '1h' },
      gateway: { replicas: 1 },
      workers: { min: 1, max: 3 },
      scaling: { driver },
    },
  };
}

function tableOf(name: string): string {
  return name.replaceAll('-', '_');
}

const increments = 20_000;

/** Every commit takes a while longer, until it is disposed of. */
async function slowCommits(db: Rows, table: string): Promise<AsyncDisposable> {
  const name = `slow_${table}`;
  const body = 'BEGIN PERFORM pg_sleep(0.2); RETURN NULL; END';
  await db.query(`CREATE FUNCTION ${name}() RETURNS trigger LANGUAGE plpgsql AS '${body}'`);
  await db.query(
    `CREATE TRIGGER slow AFTER INSERT ON "${table}" FOR EACH STATEMENT EXECUTE FUNCTION ${name}()`,
  );
  return {
    [Symbol.asyncDispose]: async () => {
      await db.query(`DROP FUNCTION ${name} CASCADE`);
    },
  };
}

/** Workers that hold a partition now. */
async function consumers(db: Rows, name: string): Promise<number> {
  const [found] = await db.query<{ owners: number }>(
    `SELECT count(DISTINCT owner)::int AS owners FROM millrace.increment_partitions
       JOIN millrace.increment_pipelines ON uid = pipeline
      WHERE namespace = $1 AND name = $2 AND lease_until > now()`,
    [namespace, name],
  );
  return found?.owners ?? 0;
}

describe.each(drivers)('workers scaled $name', ({ name, driver, barSeconds }) => {
  const ref = { namespace, name };
  let api: HttpKubeApi;
  let db: Rows;

  beforeAll(async () => {
    api = await installedApi();
    db = await rows();
    await preparedNamespace(namespace);
    await apply(pipeline({ name, driver, barSeconds }));
    const place = { api, type: incrementPipelines, ...ref };
    await waitForCondition(place, { type: 'Ready', status: 'True' }, 60_000);
    const reason = { type: 'AutoscalingReady', status: 'True', reason: driver };
    await waitForCondition(place, reason, 60_000);
    await waitForReplicas({ api, ...ref, name: `${name}-worker` }, 30_000, isExactly(1));
    if (driver === 'HPA') await halfwayBetweenLooks(api, name);
  });

  afterAll(async () => {
    await db[Symbol.asyncDispose]();
    await api.close();
  });

  it('become as many as the backlog needs, and nothing is lost on the way', async () => {
    const url = await serviceUrl(api, { namespace, name: `${name}-gateway` });
    const keys = uuids(10_000, new Random(seed));
    const load = startLoad({
      url,
      keys,
      clients: 2,
      itemsPerRequest: 50,
      incrementsMax: increments,
    });
    {
      await using _ = await slowCommits(db, tableOf(name));
      const startedMs = performance.now();
      await waitUntil('a second worker to hold partitions', 60_000, async () => {
        const many = await consumers(db, name);
        return [many >= 2, `${String(many)} workers hold partitions; ${await explained(api, ref)}`];
      });
      const seconds = (performance.now() - startedMs) / 1_000;
      const what = `backlog → added worker is consuming (${driver})`;
      await recordFigure({ what, value: seconds, unit: 's', bar: barSeconds });
      if (driver === 'HPA') {
        const shown = await kubectl(['get', 'hpa', '-n', namespace, `${name}-worker`]);
        expect(shown).toContain(`Deployment/${name}-worker`);
      }
    }
    await load.stop(30_000);

    await expectExactSums({ db, table: tableOf(name), load });
  });

  // The way down is the operator's own, whoever scales up: once is enough.
  if (driver !== 'HPA') return;

  it('go to none when the pipeline is suspended, once nothing waits, and come back', async () => {
    const worker = { api, namespace, name: `${name}-worker` };
    await patchSuspend(name, true);

    await waitForReplicas(worker, 60_000, isExactly(0));
    const place = { api, type: incrementPipelines, ...ref };
    const drained = { type: 'Draining', status: 'False', reason: 'Drained' };
    await waitForCondition(place, drained, 30_000);
    await waitForCondition(place, { type: 'Ready', status: 'False', reason: 'Suspended' }, 30_000);
    expect(await autoscalerOf(api, name)).toBeUndefined();

    await patchSuspend(name, false);
    await waitForReplicas(worker, 60_000, ({ wanted, ready }) => wanted >= 1 && ready === wanted);
  });
});

/** What Kubernetes' controller manager looks by if it is told nothing. */
const lookEveryMs = 15_000;

/**
 * A backlog may begin at any time between two looks of the autoscaler, and how long it waits for the
 * next one is most of what is measured: from halfway it is what half of all backlogs would wait.
 */
async function halfwayBetweenLooks(api: HttpKubeApi, name: string): Promise<void> {
  const first = await waitFor({
    what: `the autoscaler ${name} to look for the first time`,
    withinMs: 60_000,
    look: async () => {
      const { conditions = [] } = statusOf<{ conditions?: readonly Looked[] }>(
        await autoscalerOf(api, name),
      );
      const active = conditions.find(({ type }) => type === 'ScalingActive');
      return active === undefined
        ? { state: 'it has no condition ScalingActive' }
        : { found: Date.parse(active.lastTransitionTime) };
    },
  });
  const sinceMs = (Date.now() - first) % lookEveryMs;
  await delay((lookEveryMs * 1.5 - sinceMs) % lookEveryMs);
}

interface Looked {
  readonly type: string;
  readonly lastTransitionTime: string;
}

function isExactly(many: number): (replicas: { wanted: number; ready: number }) => boolean {
  return ({ wanted, ready }) => wanted === many && ready === many;
}

async function patchSuspend(name: string, suspend: boolean): Promise<void> {
  const patch = JSON.stringify({ spec: { suspend } });
  const place = ['incrementpipeline', name, '-n', namespace];
  await kubectl(['patch', ...place, '--type=merge', '-p', patch]);
}

/** With those that are on their way out. */
async function autoscalerOf(api: HttpKubeApi, name: string) {
  return api.get(autoscalers, { namespace, name: `${name}-worker` });
}

/** What the resource and its autoscaler say about the number of workers. */
async function explained(api: HttpKubeApi, ref: { namespace: string; name: string }) {
  const resource = await api.get(incrementPipelines, ref);
  const status = statusOf<{ scaling: object; recommendation: object }>(resource);
  const hpa = await autoscalerOf(api, ref.name);
  const told = {
    ...status.scaling,
    ...status.recommendation,
    hpa: statusOf(hpa),
    bounds: specOf(hpa),
  };
  return JSON.stringify(told).slice(0, 1_500);
}
