/** Pods that are taken away while clients go on sending: nothing is lost, nothing is counted twice. */
import type { HttpKubeApi } from '@millrace/operator/kube/http-api';
import { incrementPipelines } from '@millrace/operator/kinds/increment-pipeline/resource-types';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { uuids } from '../load/keys.ts';
import { Random } from '../load/random.ts';
import { expectExactSums } from './exact-sums.ts';
import { seed, startLoad, type Load } from './load.ts';
import { podsIn, podsText, serviceUrl, waitForCondition, waitForReplicas } from './resources.ts';
import { apply, installedApi, kubectl, preparedNamespace, rows, type Rows } from './suite.ts';
import { waitUntil } from './waiting.ts';

const namespace = 'disruption';
const name = 'views';

const pipeline = {
  apiVersion: 'millrace.dev/v1alpha1',
  kind: 'IncrementPipeline',
  metadata: { name, namespace },
  spec: {
    target: { table: 'disrupted' },
    durability: 'Fsync',
    partitions: 4,
    flush: { interval: '1s' },
    idempotency: { window: '1h' },
    gateway: { replicas: 2 },
    workers: { min: 2, max: 2 },
  },
};

async function accepted(load: Load, more: number): Promise<void> {
  const before = load.tally.totals.increments.Accepted;
  await waitUntil(`${String(more)} more accepted increments`, 90_000, async () => {
    const now = load.tally.totals.increments.Accepted - before;
    return [now >= more, `${String(now)} since; ${load.reasonsText()}`];
  });
}

describe('under load', () => {
  let api: HttpKubeApi;
  let db: Rows;

  beforeAll(async () => {
    api = await installedApi();
    db = await rows();
    await preparedNamespace(namespace);
    await apply(pipeline);
    const place = { api, type: incrementPipelines, namespace, name };
    await waitForCondition(place, { type: 'Ready', status: 'True' }, 60_000);
    await waitUntil('two workers and two gateways', 60_000, async () => allReady(api));
  });

  afterAll(async () => {
    // A drain that failed must not fail what comes after it.
    await kubectl(['uncordon', 'node1']);
    await db[Symbol.asyncDispose]();
    await api.close();
  });

  async function loaded(disrupt: (load: Load) => Promise<void>): Promise<void> {
    const url = await serviceUrl(api, { namespace, name: `${name}-gateway` });
    const keys = uuids(100, new Random(seed));
    const before = await sums(db);
    const load = startLoad({ url, keys, clients: 4, itemsPerRequest: 20 });
    try {
      await accepted(load, 500);
      await disrupt(load);
      await accepted(load, 500);
    } finally {
      await load.stop(30_000);
    }
    await expectExactSums({ db, table: 'disrupted', load, before });
  }

  it('an evicted worker and an evicted gateway are replaced', async () => {
    await loaded(async (load) => {
      const pods = await podsIn(api, namespace);
      for (const role of ['worker', 'gateway']) {
        const victim = pods.find((pod) => pod.name.startsWith(`${name}-${role}-`));
        await evict(victim?.name ?? '');
        await accepted(load, 200);
      }
      await waitUntil('both to be replaced', 60_000, async () => {
        const now = await podsIn(api, namespace);
        const isNew = now.filter(({ uid }) => !pods.some((pod) => pod.uid === uid)).length === 2;
        return [isNew && now.every(({ isReady }) => isReady), podsText(now)];
      });
    });
  });

  it('a node that is drained takes its pods away, and gives them back when it is open again', async () => {
    await loaded(async () => {
      const drain = ['drain', 'node1', '--ignore-daemonsets', '--delete-emptydir-data'];
      const selector = [`--pod-selector=millrace.dev/kind`, '--timeout=90s'];
      await kubectl([...drain, ...selector], { timeoutMs: 100_000 });
      const left = await podsIn(api, namespace);
      expect(left.filter(({ phase }) => phase === 'Running')).toEqual([]);

      await kubectl(['uncordon', 'node1']);
      await waitUntil('all pods to be back', 60_000, async () => allReady(api));
    });
  });

  it('ends as asked: its finalizer lets it go once nothing is in flight', async () => {
    await kubectl(['delete', 'incrementpipeline', name, '-n', namespace, '--timeout=90s'], {
      timeoutMs: 100_000,
    });
    const worker = { api, namespace, name: `${name}-worker` };

    await waitUntil('its pods to be gone', 60_000, async () => {
      const pods = await podsIn(api, namespace);
      return [pods.length === 0, podsText(pods)];
    });
    await expect(waitForReplicas(worker, 0, () => true)).rejects.toThrow('it is not there');
    expect((await sums(db)).size).toBe(100);
  });
});

async function allReady(api: HttpKubeApi): Promise<readonly [boolean, string]> {
  const pods = await podsIn(api, namespace);
  return [pods.filter(({ isReady }) => isReady).length === 4 && pods.length === 4, podsText(pods)];
}

async function evict(pod: string): Promise<void> {
  const eviction = {
    apiVersion: 'policy/v1',
    kind: 'Eviction',
    metadata: { name: pod, namespace },
  };
  const path = `/api/v1/namespaces/${namespace}/pods/${pod}/eviction`;
  await kubectl(['create', '--raw', path, '-f', '-'], { input: JSON.stringify(eviction) });
}

async function sums(db: Rows): Promise<ReadonlyMap<string, bigint>> {
  const found = await db.query<{ key: string; value: string }>('SELECT key, value FROM disrupted');
  return new Map(found.map(({ key, value }) => [key, BigInt(value)]));
}
