import { readFileSync } from 'node:fs';
import { kinds } from '@millrace/crds';
import { group } from '@millrace/crds/define-kind';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { ImportCluster, report, users } from '../test/import-cluster.ts';
import { backends } from '../test/import-world.ts';
import { guarded, rightsOf, type Rule } from '../test/rights.ts';
import { csvImports } from '../src/kinds/csv-import/resource-types.ts';

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

/** Rights that this life does not use, each with why it is granted. */
const unused = [
  // An admission plugin that not every cluster has asks for it.
  'update millrace.dev/csvimports/finalizers',
  // A ConfigMap that a later plan has no use for is pruned like every other child.
  'delete /configmaps',
];

describe('the rights in operator/deploy', () => {
  it('are the same for a namespace and for a cluster, but for the definitions', () => {
    const definitions = kinds.map(({ plural }) => `${plural}.${group}`);

    expect(cluster.filter(({ resourceNames }) => resourceNames === undefined)).toEqual(namespaced);
    expect(cluster.at(-1)).toMatchObject({
      resources: ['customresourcedefinitions'],
      resourceNames: definitions,
      verbs: ['get'],
    });
  });

  it('name every kind, and never its spec', () => {
    for (const { plural } of kinds) {
      const verbs = namespaced
        .filter(({ resources }) => resources.includes(plural))
        .flatMap((rule) => rule.verbs);
      expect(verbs, plural).toEqual(['get', 'list', 'watch']);
    }
  });

  it('are all that the life of an import needs, and no more than that', async () => {
    await using world = new ImportCluster();
    const granted = new Set(rightsOf(namespaced));
    const { api, used, refused } = guarded(world.api, granted);
    await world.startOperator(api);

    await live(world);
    await world.api.delete(csvImports, users);
    await world.settle();

    expect(await world.status()).toBeUndefined();
    expect([...refused]).toEqual([]);
    expect([...granted].filter((right) => !used.has(right))).toEqual(unused);
  });
});
