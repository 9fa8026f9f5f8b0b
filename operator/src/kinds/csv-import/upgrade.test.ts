import fc from 'fast-check';
import type { CsvImportSpec } from '@millrace/crds/csv-import';
import { describe, expect, it } from 'vitest';
import {
  ImportCluster,
  namespace,
  report,
  users,
  usersSpec,
} from '../../../test/import-cluster.ts';
import { careFor, heldDeployment, heldJob, noChildren, observed } from '../../../test/observed.ts';
import type { OperatorKind } from '../../machinery/kind.ts';
import type { KubeObject } from '../../machinery/kube-api.ts';
import { KubeFailure } from '../../machinery/kube-failure.ts';
import { csvImportController } from './controller.ts';
import { plan } from './plan.ts';
import { renderPods, type RenderPods } from './rendering.ts';
import { csvImports } from './resource-types.ts';
import { configMaps, deployments, jobs } from '../../machinery/workload/resource-types.ts';

/** Another version of the operator: another image, another default and a template of its own. */
function operatorOf(version: string): {
  readonly kinds: readonly Pick<OperatorKind, 'controller'>[];
} {
  const image = `millrace-runtimes:${version}`;
  const render: RenderPods = (input) => {
    const { config, templates } = renderPods({ ...input, image });
    const mark = (text: string) => text.replaceAll('"info"', '"debug"');
    const changed = (template: object) => ({ ...template, version });
    return {
      image,
      config: mark(config),
      templates: {
        coordinator: changed(templates.coordinator),
        worker: changed(templates.worker),
        gateway: changed(templates.gateway),
      },
    };
  };
  const controller: OperatorKind['controller'] = (manager, context) =>
    csvImportController(manager, { ...context, image, render });
  return { kinds: [{ controller }] };
}

async function replaceOperator(cluster: ImportCluster, version: string): Promise<void> {
  await cluster.stopOperator();
  await cluster.startOperator(cluster.api, operatorOf(version));
  await cluster.clock.advance(31_000);
  await cluster.settle();
}

async function started(version = 'v1'): Promise<ImportCluster> {
  const cluster = new ImportCluster();
  await cluster.given({});
  await cluster.startOperator(cluster.api, operatorOf(version));
  await cluster.settle();
  return cluster;
}

interface PodsSeen {
  readonly job: string | undefined;
  readonly config: unknown;
  readonly templates: Readonly<Record<string, string>>;
}

/** Everything whose change would start a pod anew. */
async function podsOf(cluster: ImportCluster): Promise<PodsSeen> {
  const config = await cluster.read(configMaps, 'users-config');
  const lists = [
    cluster.api.list(jobs, { namespace }),
    cluster.api.list(deployments, { namespace }),
  ];
  const children = (await Promise.all(lists)).flatMap(({ items }) => items);
  return {
    job: children.find(({ kind }) => kind === 'Job')?.metadata.uid,
    config: (config?.['data'] as Record<string, string> | undefined)?.['config.json'],
    templates: Object.fromEntries(
      children.map(({ metadata, spec }) => [
        metadata.name,
        JSON.stringify((spec as { template: object }).template),
      ]),
    ),
  };
}

function versionsOf({ templates }: PodsSeen): readonly string[] {
  const found = Object.values(templates).map((text) => /"version":"(v\d)"/.exec(text)?.[1] ?? '');
  return [...new Set(found)];
}

describe('an operator of another version', () => {
  it('changes no pod, no configuration and no Job, up or down, whatever became of the status', async () => {
    await using cluster = await started();
    const before = await podsOf(cluster);

    for (const version of ['v2', 'v3', 'v1']) {
      await cluster.setStatus(csvImports, 'users', {});
      await replaceOperator(cluster, version);

      expect(await podsOf(cluster), version).toEqual(before);
      expect(await cluster.status()).toMatchObject({ runtimeImage: 'millrace-runtimes:v1' });
    }
    expect(Object.keys(before.templates).length).toBe(3);
  });

  it('goes on with the pods that it finds, after whichever call the one before it ended', async () => {
    for (let last = 0; last < 12; last++) {
      await using cluster = new ImportCluster();
      await cluster.given({});
      await endAfter(cluster, last, 'v1');
      const found = await podsOf(cluster);

      await replaceOperator(cluster, 'v2');

      const after = await podsOf(cluster);
      const hasPods = Object.keys(found.templates).length > 0;
      expect(versionsOf(after), `after ${last} writes`).toEqual([hasPods ? 'v1' : 'v2']);
      expect(after.templates, `after ${last} writes`).toMatchObject(found.templates);
      if (found.job !== undefined) expect(after.job).toBe(found.job);
    }
  });

  it('rolls a changed spec out once, with its own image, after whichever call it is replaced', async () => {
    for (let last = 0; last < 8; last++) {
      await using cluster = await started();
      await replaceOperator(cluster, 'v2');
      const before = await podsOf(cluster);
      const seen = new Set<string>([JSON.stringify(before.templates['users-gateway'])]);
      await cluster.stopOperator();
      await cluster.changeSpec({ rejects: { maxRows: 7 } });
      await endAfter(cluster, last, 'v2');
      seen.add(JSON.stringify((await podsOf(cluster)).templates['users-gateway']));

      await replaceOperator(cluster, 'v3');

      const after = await podsOf(cluster);
      seen.add(JSON.stringify(after.templates['users-gateway']));
      expect(seen.size, `after ${last} writes`).toBe(2);
      expect(after.config).not.toBe(before.config);
      expect(after.job).not.toBe(before.job);
      expect(versionsOf(after).length, `after ${last} writes`).toBe(1);
      expect(versionsOf(after)).not.toEqual(['v1']);
    }
  });

  it('still corrects what somebody changed, back to what the pods were made from', async () => {
    await using cluster = await started();
    const before = await podsOf(cluster);
    await replaceOperator(cluster, 'v2');

    const gateway = { namespace, name: 'users-gateway' };
    const hooked = { spec: { template: { spec: { hostNetwork: true, restartPolicy: 'Never' } } } };
    await cluster.api.patch(deployments, gateway, hooked);
    const config = { namespace, name: 'users-config' };
    await cluster.api.patch(configMaps, config, { data: { 'config.json': '{}' } });
    await cluster.api.patch(
      deployments,
      { namespace, name: 'users-worker' },
      { metadata: { annotations: { 'millrace.dev/rendering': null } } },
    );
    await cluster.settle();

    const after = await podsOf(cluster);
    expect(after.config).toBe(before.config);
    expect(after.templates['users-worker']).toBe(before.templates['users-worker']);
    expect(after.templates['users-gateway']).toContain('"restartPolicy":"Always"');
    expect(versionsOf(after)).toEqual(['v1']);
  });

  it('brings a deleted Deployment back as it was', async () => {
    await using cluster = await started();
    await replaceOperator(cluster, 'v2');
    const before = await podsOf(cluster);

    await cluster.api.delete(deployments, { namespace, name: 'users-gateway' });
    await cluster.settle();

    expect(await podsOf(cluster)).toEqual(before);
  });

  it('renders everything anew, as one, when the ConfigMap is deleted', async () => {
    await using cluster = await started();
    const before = await podsOf(cluster);
    await cluster.api.delete(configMaps, { namespace, name: 'users-config' });
    await cluster.settle();
    expect(await podsOf(cluster)).toEqual(before);

    await replaceOperator(cluster, 'v2');
    await cluster.api.delete(configMaps, { namespace, name: 'users-config' });
    await cluster.settle();

    expect(versionsOf(await podsOf(cluster))).toEqual(['v2']);
    expect(await cluster.status()).toMatchObject({ runtimeImage: 'millrace-runtimes:v2' });
  });

  it('takes its own image where nothing has started yet', async () => {
    await using cluster = new ImportCluster();
    await cluster.given({ hasClaim: false, spec: { ...usersSpec, serve: { enabled: false } } });
    await cluster.startOperator(cluster.api, operatorOf('v1'));
    await cluster.settle();

    await replaceOperator(cluster, 'v2');
    await cluster.createClaim();
    await cluster.settle();

    expect(versionsOf(await podsOf(cluster))).toEqual(['v2']);
  });
});

/** An operator of that version that can make so many writes and then dies. */
async function endAfter(cluster: ImportCluster, last: number, version: string): Promise<void> {
  let writes = 0;
  cluster.beforeCall = ({ verb }) => {
    if (['get', 'list', 'watch'].includes(verb) || writes++ < last) return Promise.resolve();
    return Promise.reject(new KubeFailure('Unavailable', 'the operator has ended'));
  };
  await cluster.startOperator(cluster.api, operatorOf(version));
  await cluster.settle();
  await cluster.stopOperator();
  cluster.beforeCall = () => Promise.resolve();
}

describe('a rendering that nobody vouches for', () => {
  it('is not taken: who may write ConfigMaps only cannot write a pod', async () => {
    await using cluster = await started();
    const before = await podsOf(cluster);
    const held = await cluster.read(configMaps, 'users-config');
    const data = held?.['data'] as Record<string, string>;
    const forged = (data['rendering.json'] ?? '').replaceAll('millrace-runtimes:v1', 'evil:latest');

    await cluster.api.patch(
      configMaps,
      { namespace, name: 'users-config' },
      {
        data: { 'rendering.json': forged },
      },
    );
    await cluster.settle();

    expect(forged).toContain('evil');
    expect(await podsOf(cluster)).toEqual(before);
    expect((await cluster.read(configMaps, 'users-config'))?.['data']).toEqual(data);
  });
});

describe('a change of scale', () => {
  it('alters nothing but replicas', async () => {
    await using cluster = await started();
    cluster.progress = report({ workers: { wanted: 50, why: 'many chunks wait' } });
    await cluster.runCoordinator();
    await cluster.clock.advance(2_100);
    const before = await podsOf(cluster);

    for (const change of [
      { workers: { min: 1, max: 5 } },
      { serve: { enabled: true, replicas: 3 } },
      { suspend: true },
      { suspend: false },
      { paused: true },
    ]) {
      await cluster.changeSpec(change);
      expect(await podsOf(cluster), JSON.stringify(change)).toEqual(before);
    }
    expect(await cluster.read(deployments, 'users-worker')).toMatchObject({
      spec: { replicas: 5 },
    });
    expect(await cluster.read(deployments, 'users-gateway')).toMatchObject({
      spec: { replicas: 3 },
    });
    expect(await cluster.read(csvImports, users.name)).toMatchObject({ spec: { paused: true } });
  });

  it('plans the same objects for any numbers, whatever order the spec is written in', () => {
    const scale = fc.record(
      {
        workers: fc.record({ min: fc.nat(4), max: fc.integer({ min: 4, max: 64 }) }),
        suspend: fc.boolean(),
        paused: fc.boolean(),
        serve: fc.record({ enabled: fc.constant(true), replicas: fc.integer({ min: 1, max: 9 }) }),
      },
      { requiredKeys: ['serve'] },
    );
    const children = {
      ...noChildren,
      job: heldJob(),
      worker: heldDeployment('worker', { replicas: 1, ready: 1 }),
      gateway: heldDeployment('gateway', { replicas: 1, ready: 1 }),
    };
    const objects = (spec: CsvImportSpec) => {
      const held = observed({ children, progress: report() });
      return plan({ care: careFor(spec, held), observed: held, now: 0 }).steps.flatMap((step) =>
        step.op === 'apply' && step.object.kind !== 'ConfigMap' ? [step.object] : [],
      );
    };
    const backwards = ({ ...spec }: CsvImportSpec): CsvImportSpec =>
      Object.fromEntries(Object.entries(spec).toReversed()) as CsvImportSpec;

    fc.assert(
      fc.property(scale, (change) => {
        const wanted: readonly KubeObject[] = objects(usersSpec);
        expect(objects({ ...usersSpec, ...change })).toEqual(wanted);
        expect(objects(backwards({ ...usersSpec, ...change }))).toEqual(wanted);
      }),
    );
  });
});
