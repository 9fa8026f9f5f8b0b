import fc from 'fast-check';
import { podConfig, type IncrementPipelineSpec } from '@millrace/crds/increment-pipeline';
import { Compile } from 'typebox/compile';
import { describe, expect, it } from 'vitest';
import { PipelineCluster } from '../../../test/pipeline-cluster.ts';
import { careFor, owner, running } from '../../../test/pipeline-observed.ts';
import { namespace, pipelineReport, viewsSpec } from '../../../test/pipeline-world.ts';
import type { OperatorKind } from '../../machinery/kind.ts';
import { configMaps, deployments } from '../../machinery/workload/resource-types.ts';
import { podConfigOf } from './children/config-map.ts';
import { incrementPipelineController } from './controller.ts';
import { renderPods, type RenderPods } from './rendering.ts';

/** Another version of the operator: another image, another default and a template of its own. */
function operatorOf(version: string): {
  readonly kinds: readonly Pick<OperatorKind, 'controller'>[];
} {
  const image = `millrace-runtimes:${version}`;
  const render: RenderPods = (input) => {
    const { config, templates } = renderPods({ ...input, image });
    const changed = (template: object) => ({ ...template, version });
    return {
      image,
      config: config.replaceAll('"info"', '"debug"'),
      templates: {
        gateway: changed(templates.gateway),
        worker: changed(templates.worker),
        janitor: templates.janitor,
      },
    };
  };
  const controller: OperatorKind['controller'] = (manager, context) =>
    incrementPipelineController(manager, { ...context, image, render });
  return { kinds: [{ controller }] };
}

async function replaceOperator(cluster: PipelineCluster, version: string): Promise<void> {
  await cluster.stopOperator();
  await cluster.startOperator(cluster.api, operatorOf(version));
  await cluster.pass(31_000);
}

async function started(): Promise<PipelineCluster> {
  const cluster = new PipelineCluster();
  await cluster.given();
  await cluster.startOperator(cluster.api, operatorOf('v1'));
  await cluster.settle();
  return cluster;
}

/** Everything whose change would start a pod anew. */
async function podsOf(cluster: PipelineCluster) {
  const config = await cluster.read(configMaps, 'views-config');
  const { items } = await cluster.api.list(deployments, { namespace });
  return {
    config: (config?.['data'] as Record<string, string> | undefined)?.['config.json'],
    templates: items.map(({ spec }) => JSON.stringify((spec as { template: object }).template)),
  };
}

describe('an operator of another version', () => {
  it('changes no pod and no configuration, up or down', async () => {
    await using cluster = await started();
    const before = await podsOf(cluster);

    for (const version of ['v2', 'v3', 'v1']) {
      await replaceOperator(cluster, version);

      expect(await podsOf(cluster), version).toEqual(before);
      expect(await cluster.status()).toMatchObject({ runtimeImage: 'millrace-runtimes:v1' });
    }
    expect(before.templates.length).toBe(2);
  });

  it('rolls a changed spec out with its own image, and all pods with the same', async () => {
    await using cluster = await started();
    await replaceOperator(cluster, 'v2');
    await cluster.changeSpec({ flush: { interval: '2s' } });

    const { templates, config } = await podsOf(cluster);
    expect(templates.every((template) => template.includes('"version":"v2"'))).toBe(true);
    expect(config).toContain('"intervalMs": 2000');
  });
});

describe('a change of scale', () => {
  it('alters nothing but replicas', async () => {
    await using cluster = await started();
    cluster.progress = pipelineReport();
    await cluster.rollOutAll();
    await cluster.pass(1_100);
    const before = await podsOf(cluster);

    for (const change of [
      { workers: { min: 2, max: 4 } },
      { gateway: { replicas: 5 } },
      { deletionPolicy: 'Purge' },
      { suspend: true },
      { suspend: false },
      { paused: true },
    ]) {
      await cluster.changeSpec(change);
      expect(await podsOf(cluster), JSON.stringify(change)).toEqual(before);
    }
    expect([await cluster.replicas('gateway'), await cluster.replicas('worker')]).toEqual([5, 2]);
  });

  it('asks for the same pods for any numbers, whatever order the spec is written in', () => {
    const scale = fc.record(
      {
        workers: fc.record({
          min: fc.integer({ min: 1, max: 4 }),
          max: fc.integer({ min: 4, max: 64 }),
        }),
        suspend: fc.boolean(),
        paused: fc.boolean(),
        deletionPolicy: fc.constantFrom('Retain' as const, 'Purge' as const),
        gateway: fc.record({ replicas: fc.integer({ min: 1, max: 64 }) }),
      },
      { requiredKeys: ['gateway'] },
    );
    const digest = (spec: IncrementPipelineSpec) => careFor(spec, running()).rendering.digest;
    const backwards = (spec: IncrementPipelineSpec): IncrementPipelineSpec =>
      Object.fromEntries(Object.entries(spec).toReversed()) as IncrementPipelineSpec;
    const wanted = digest(viewsSpec);

    fc.assert(
      fc.property(scale, (change) => {
        expect(digest({ ...viewsSpec, ...change })).toBe(wanted);
        expect(digest(backwards({ ...viewsSpec, ...change }))).toBe(wanted);
      }),
    );
    expect(digest({ ...viewsSpec, durability: 'Memory' })).not.toBe(wanted);
  });
});

describe('the configuration of the pods', () => {
  const check = Compile(podConfig);

  it('has every default in it', () => {
    const config = podConfigOf(owner, { target: { table: 'increments' } });

    expect([...check.Errors(config)]).toEqual([]);
    expect(config).toMatchObject({
      durability: 'Fsync',
      durabilityVouched: false,
      partitions: 8,
      flush: { intervalMs: 1_000, maxKeys: 5_000, staleAfterMs: 8_000 },
      streams: { maxBytes: 268_435_456 },
      auth: { mode: 'None' },
    });
    expect([config.idempotency, config.rateLimit]).toEqual([undefined, undefined]);
  });

  it('has what the spec says in bytes and milliseconds', () => {
    const config = podConfigOf(owner, {
      ...viewsSpec,
      flush: { interval: '250ms', maxKeys: 10, staleAfter: '1m' },
      streams: { maxBytes: '1Gi' },
      idempotency: { window: '24h' },
      gateway: { rateLimit: { requests: 60_000, per: '1m' }, auth: { mode: 'Tokens' } },
    });

    expect([...check.Errors(config)]).toEqual([]);
    expect(config).toMatchObject({
      flush: { intervalMs: 250, maxKeys: 10, staleAfterMs: 60_000 },
      streams: { maxBytes: 1_073_741_824 },
      idempotency: { windowMs: 86_400_000, maxKeys: 1_000_000 },
      rateLimit: { requests: 60_000, perMs: 60_000, by: 'Client' },
      auth: { mode: 'Tokens' },
    });
  });
});
