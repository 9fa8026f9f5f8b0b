import { describe, expect, it } from 'vitest';
import { ImportCluster, report } from '../../../test/import-cluster.ts';
import { configMaps, deployments, jobs, services } from './resource-types.ts';

describe('an import from its creation to its end', () => {
  it('makes the configuration, coordinator, workers and gateway, scales them, and ends with totals', async () => {
    await using cluster = await ImportCluster.create();

    expect(await cluster.read(configMaps, 'users-config')).toBeDefined();
    expect(await cluster.read(jobs, 'users-coordinator')).toBeDefined();
    expect(await cluster.read(services, 'users-gateway')).toBeDefined();
    expect(await cluster.read(deployments, 'users-worker')).toMatchObject({
      spec: { replicas: 0 },
    });
    expect(await cluster.read(deployments, 'users-gateway')).toMatchObject({
      spec: { replicas: 1 },
    });

    cluster.progress = report();
    const pod = await cluster.runCoordinator();
    await cluster.rollOut('users-gateway');
    await cluster.clock.advance(1_100);
    await cluster.settle();

    expect(await cluster.read(deployments, 'users-worker')).toMatchObject({
      spec: { replicas: 2 },
    });
    expect(await cluster.condition('Ready')).toMatchObject({ status: 'False', reason: 'Loading' });
    expect(await cluster.condition('Reconciling')).toMatchObject({ status: 'True' });

    const totals = { read: 10, loaded: 9, superseded: 1, rejected: 0, comments: 0, blank: 0 };
    cluster.progress = undefined;
    await cluster.endCoordinator(pod, {
      exitCode: 0,
      message: JSON.stringify(
        report({ state: 'Complete', totals, workers: { wanted: 0, why: 'done' } }),
      ),
    });

    expect(await cluster.condition('Complete')).toMatchObject({ status: 'True' });
    expect(await cluster.condition('Ready')).toMatchObject({ status: 'True', reason: 'Complete' });
    expect(await cluster.status()).toMatchObject({ totals, percent: 100, workers: { wanted: 0 } });
    expect(await cluster.read(deployments, 'users-worker')).toMatchObject({
      spec: { replicas: 0 },
    });
    expect(await cluster.read(jobs, 'users-coordinator')).toBeDefined();
  });
});
