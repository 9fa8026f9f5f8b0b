import { readFileSync } from 'node:fs';
import { kinds } from '@millrace/crds';
import { group } from '@millrace/crds/define-kind';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { ImportCluster, report } from '../test/import-cluster.ts';
import { backends } from '../test/import-world.ts';
import { externalMetrics, kedaService, putApiService } from '../test/api-services.ts';
import { guarded, rightsOf, type Rule } from '../test/rights.ts';
import { PipelineCluster } from '../test/pipeline-cluster.ts';
import { pipelineReport, views } from '../test/pipeline-world.ts';
import {
  externalMetricsName,
  kedaName,
} from '../src/machinery/workload/scaling/cluster-scaling.ts';
import { deployments } from '../src/machinery/workload/resource-types.ts';
import { incrementPipelines } from '../src/kinds/increment-pipeline/resource-types.ts';

interface Document {
  readonly kind: string;
  readonly rules?: readonly Rule[];
}

function rules(file: string, kind: string): readonly Rule[] {
  const text = readFileSync(new URL(file, import.meta.url), 'utf8');
  const documents = parseAllDocuments(text).map((document) => document.toJS() as Document);
  return documents.find((document) => document.kind === kind)?.rules ?? [];
}

const cluster = rules('rbac-cluster.yaml', 'ClusterRole');
const namespaced = rules('rbac-namespaced.yaml', 'Role');
const totals = { read: 10, loaded: 9, superseded: 1, rejected: 0, comments: 0, blank: 0 };
const final = report({ state: 'Complete', totals, workers: { wanted: 0, why: 'done' } });

/** A pipeline from its beginning to its end: drained, cleared up behind, released. */
async function livePipeline(world: PipelineCluster): Promise<void> {
  world.progress = pipelineReport({ members: { gateways: 0, workers: 1 } });
  await world.given();
  await world.settle();
  await world.rollOutAll();
  await world.pass(1_100);
  await putApiService(world.api, externalMetrics('Millrace'));
  await world.settle();
  await putApiService(world.api, externalMetrics('KEDA'));
  await putApiService(world.api, kedaService());
  await world.settle();
  await world.delete(incrementPipelines, views.name);
  await world.settle();
  await world.rollOut('gateway');
  await world.pass(5_000);
  await world.rollOut('worker');
  await world.settle();
  await world.endJanitor(await world.runJanitor(), 0);
  await world.settle();
}

/** Everything an import can live through: prerequisites late, loading, changes, a drain, its end. */
async function live(world: ImportCluster): Promise<void> {
  await world.createImport();
  await world.settle();
  await world.createSecret(backends);
  await world.createClaim();
  await world.settle();
  world.progress = report();
  await world.runCoordinator();
  await world.clock.advance(11_000);
  await world.rollOut('users-gateway');
  await world.rollOut('users-worker');
  await world.changeSpec({ serve: { enabled: false } });
  for (const suspend of [true, false, true, false]) {
    await world.changeSpec({ suspend });
    // Later than events are quiet for, so that the second time is told too.
    await world.clock.advance(11 * 60_000);
  }
  const pod = await world.runCoordinator();
  world.progress = undefined;
  await world.endCoordinator(pod, { exitCode: 0, message: JSON.stringify(final) });
  await world.clock.advance(11_000);
  await world.settle();
}

/** An import that is deleted some time after its end, with its data. */
async function expire(world: ImportCluster): Promise<void> {
  await world.changeSpec({ deletionPolicy: 'Purge', ttlAfterFinished: '1h' });
  await world.settle();
  await world.clock.advance(3_600_000);
  await world.settle();
  for (const name of ['users-gateway', 'users-worker']) {
    if ((await world.read(deployments, name)) !== undefined) await world.rollOut(name);
  }
  await world.settle();
  await world.endJanitor(await world.runJanitor(), 0);
  await world.settle();
}

/** Rights that this life does not use, each with why it is granted. */
const unused = [
  // Asked for before anything is started.
  'get apiextensions.k8s.io/customresourcedefinitions',
  // An admission plugin that not every cluster has asks for it.
  'update millrace.dev/csvimports/finalizers',
  // A ConfigMap that a later plan has no use for is pruned like every other child.
  'delete /configmaps',
];

describe('the rights in operator/deploy', () => {
  it('are the same for a namespace and for a cluster, but for what has no namespace', () => {
    const definitions = kinds.map(({ plural }) => `${plural}.${group}`);

    expect(cluster.filter(({ resourceNames }) => resourceNames === undefined)).toEqual(namespaced);
    const named = cluster.filter(({ resourceNames }) => resourceNames !== undefined);
    expect(named).toMatchObject([
      { resources: ['customresourcedefinitions'], resourceNames: definitions, verbs: ['get'] },
      {
        resources: ['apiservices'],
        resourceNames: [externalMetricsName, kedaName],
        verbs: ['list', 'watch'],
      },
    ]);
  });

  it('name every kind, to read it, to hold it by a finalizer, and to delete one that may expire', () => {
    for (const { plural } of kinds) {
      const verbs = namespaced
        .filter(({ resources }) => resources.includes(plural))
        .flatMap((rule) => rule.verbs);
      const expiring = plural === 'csvimports' ? ['delete'] : [];
      expect(verbs, plural).toEqual(['get', 'list', 'watch', 'patch', ...expiring]);
    }
  });

  it('are all that the lives of all kinds need, and no more than that', async () => {
    await using imports = new ImportCluster();
    await using pipelines = new PipelineCluster();
    const granted = new Set(rightsOf(cluster));
    const guards = [guarded(imports.api, granted), guarded(pipelines.api, granted)] as const;
    await imports.startOperator(guards[0].api);
    await pipelines.startOperator(guards[1].api);

    await live(imports);
    await expire(imports);
    await livePipeline(pipelines);

    expect(await imports.status()).toBeUndefined();
    expect(await pipelines.status()).toBeUndefined();
    expect(guards.flatMap(({ refused }) => [...refused])).toEqual([]);
    const isUsed = (right: string) => guards.some(({ used }) => used.has(right));
    expect([...granted].filter((right) => !isUsed(right)).toSorted()).toEqual(unused.toSorted());
  });
});
