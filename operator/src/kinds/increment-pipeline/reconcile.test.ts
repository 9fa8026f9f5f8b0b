import { describe, expect, it } from 'vitest';
import { PipelineCluster } from '../../../test/pipeline-cluster.ts';
import { backlog, pipelineReport } from '../../../test/pipeline-world.ts';
import { configMaps, deployments, services } from '../../machinery/workload/resource-types.ts';
import { incrementPipelines } from './resource-types.ts';

describe('a pipeline from its creation on', () => {
  it('makes configuration, workers, gateways and their address, and is Ready with them', async () => {
    await using cluster = await PipelineCluster.create();

    expect(await cluster.read(configMaps, 'views-config')).toBeDefined();
    expect(await cluster.read(services, 'views-gateway')).toBeDefined();
    expect(await cluster.replicas('worker')).toBe(1);
    expect(await cluster.replicas('gateway')).toBe(2);

    cluster.progress = pipelineReport();
    await cluster.rollOutAll();
    await cluster.pass(1_100);

    expect(await cluster.condition('Ready')).toMatchObject({ status: 'True', reason: 'Accepting' });
  });

  it('drains and goes', async () => {
    await using cluster = await PipelineCluster.create();
    cluster.progress = pipelineReport({ backlog: backlog(3) });
    await cluster.rollOutAll();
    await cluster.pass(1_100);
    await cluster.delete(incrementPipelines, 'views');
    await cluster.settle();
    await cluster.rollOut('gateway');
    await cluster.pass(1_100);
    cluster.progress = pipelineReport({ members: { gateways: 0, workers: 1 } });
    await cluster.pass(1_100);
    await cluster.rollOut('worker');
    await cluster.settle();
    const pod = await cluster.runJanitor();
    await cluster.settle();
    await cluster.endJanitor(pod, 0);
    await cluster.settle();
    expect(await cluster.read(incrementPipelines, 'views')).toBeUndefined();
    expect(await cluster.read(deployments, 'views-worker')).toBeUndefined();
  });
});
