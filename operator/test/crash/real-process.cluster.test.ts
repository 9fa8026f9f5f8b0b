/**
 * A sample of the crash proof with real processes on the real server: the operator is killed at one
 * write, another process takes over, and what is there in the end is what an operator makes that
 * nobody disturbed. The points are drawn by chance; the seed is in the test's name, and a failure names its point.
 */
import { createHash } from 'node:crypto';
import { expect, it, vi } from 'vitest';
import { csvImports } from '../../src/kinds/csv-import/resource-types.ts';
import {
  configMaps,
  deployments,
  jobs,
  services,
} from '../../src/machinery/workload/resource-types.ts';
import type { KubeObject } from '../../src/machinery/kube-api.ts';
import {
  childrenOf,
  importNamed,
  importThatIs,
  prerequisites,
  settledVersions,
} from '../import-namespace.ts';
import { operatorProcess, until, type OperatorProcess } from '../operator-process.ts';
import { pipelineChildrenOf, pipelineNamed } from '../pipeline-namespace.ts';
import { describeOnCluster, realNamespace, type RealNamespace } from '../real-cluster.ts';
import { killingProxy, type KillPoint } from './killing-proxy.ts';

// A process takes a second to start, or several on a loaded host, and there are two at each point.
vi.setConfig({ testTimeout: 180_000 });

const points = 8;
const seed = Math.floor(Math.random() * 1_000_000);
/** Points that are played side by side: processes that start together share two cores. */
const atOnce = 4;

interface Played {
  readonly children: readonly string[];
  readonly effects: readonly string[];
  readonly writes: readonly string[];
  readonly lives: number;
}

/** From nothing to all children of one resource of each kind, then through a change that makes a Job anew. */
async function play(point?: KillPoint): Promise<Played> {
  await using place = await realNamespace();
  const lives: OperatorProcess[] = [];
  const start = (): void => {
    const operator = operatorProcess([
      '--kubeconfig',
      proxy.kubeconfig,
      '--namespace',
      place.namespace,
      '--runtime-image',
      'millrace-runtimes:test',
      '--no-leader-election',
    ]);
    lives.push(operator);
    void operator.ended.then(({ signal }) => {
      if (signal === 'SIGKILL' && !isOver) start();
    });
  };
  let isOver = false;
  await using proxy = await killingProxy({
    kubeconfig: place.kubeconfig,
    point,
    kill: () => lives.at(-1)?.kill('SIGKILL'),
  });
  start();
  try {
    await prerequisites(place);
    await importNamed('users', place);
    await pipelineNamed('views', place);
    const [, job] = await childrenOf('users', place);
    await pipelineChildrenOf('views', place);
    await handedOver(place);
    await importThatIs({ name: 'users', reason: 'CoordinatorPending' }, place);
    await place.api.patch(
      csvImports,
      { namespace: place.namespace, name: 'users' },
      { spec: { rejects: { maxRows: 7 } } },
    );
    await jobOtherThan(job?.metadata.uid, place);
    await settledVersions(place);
  } finally {
    isOver = true;
    await Promise.all(lives.map((operator) => operator[Symbol.asyncDispose]()));
  }
  const { effects, writes } = proxy;
  return { children: await children(place), effects, writes, lives: lives.length };
}

/** The last writes of a creation; a change before them would make other writes. */
async function handedOver({ api, namespace }: RealNamespace): Promise<void> {
  await until(
    async () => {
      const { items } = await api.list(deployments, { namespace });
      const isHandedOver = ({ metadata }: KubeObject): boolean =>
        metadata.annotations?.['millrace.dev/replicas-handed-over'] === 'true';
      return items.every(isHandedOver) ? items : undefined;
    },
    () => 'the replicas to be handed over',
  );
}

async function jobOtherThan(
  uid: string | undefined,
  { api, namespace }: RealNamespace,
): Promise<void> {
  await until(
    async () => {
      const job = await api.get(jobs, { namespace, name: 'users-coordinator' });
      return job === undefined || job.metadata.uid === uid ? undefined : job;
    },
    () => 'the Job to be made anew',
  );
}

/** Names and specs, without what the server draws anew for each namespace. */
async function children({ api, namespace }: RealNamespace): Promise<readonly string[]> {
  const labels = { 'app.kubernetes.io/managed-by': 'millrace-operator' };
  const lists = await Promise.all(
    [configMaps, jobs, deployments, services].map((type) => api.list(type, { namespace, labels })),
  );
  return lists.flatMap(({ items }) => items.map(comparable));
}

function comparable({ kind, metadata, data, spec }: KubeObject): string {
  const text = JSON.stringify({ kind, name: metadata.name, data, spec }, (field, value: unknown) =>
    field === 'clusterIP' || field === 'clusterIPs' ? undefined : value,
  );
  return text
    .replaceAll(metadata.namespace, 'namespace')
    .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}/g, 'uid')
    .replaceAll(/[0-9a-f]{16}/g, 'digest');
}

/** Before or after the write by chance, and spread over the whole run. */
function draw(writes: number): readonly KillPoint[] {
  return Array.from({ length: points }, (_, index) => {
    const chance = createHash('sha256').update(`${seed} ${index}`).digest();
    const share = (index + chance.readUInt16BE(0) / 65_536) / points;
    return { write: Math.floor(share * writes), isDone: chance.readUInt8(2) % 2 === 0 };
  });
}

describeOnCluster('an operator that is killed at one of its writes', () => {
  it(`leaves to its successor what ends as if nothing had happened, seed ${seed}`, async () => {
    const calm = await play();
    const drawn = draw(calm.writes.length);

    for (let first = 0; first < drawn.length; first += atOnce) {
      const together = drawn.slice(first, first + atOnce);
      const played = await Promise.all(together.map((point) => play(point)));

      for (const [index, { children: made, effects, lives }] of played.entries()) {
        const { write = 0, isDone = false } = together[index] ?? {};
        const at = `killed ${isDone ? 'after' : 'before'} write ${write}, ${calm.writes[write]}`;
        expect(lives, at).toBe(2);
        expect(made, at).toEqual(calm.children);
        expect(effects.toSorted(), at).toEqual(calm.effects.toSorted());
      }
    }
  });
});
