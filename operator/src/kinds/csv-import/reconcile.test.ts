import { describe, expect, it } from 'vitest';
import {
  ImportCluster,
  namespace,
  report,
  usersSpec,
  type ClusterOptions,
} from '../../../test/import-cluster.ts';
import { csvImports } from './resource-types.ts';
import {
  configMaps,
  deployments,
  jobs,
  pods,
  services,
} from '../../machinery/workload/resource-types.ts';

const totals = { read: 10, loaded: 9, superseded: 1, rejected: 0, comments: 0, blank: 0 };
const finalReport = report({ state: 'Complete', totals, workers: { wanted: 0, why: 'done' } });
const completed = { exitCode: 0, message: JSON.stringify(finalReport) };

function failedWith(reason: string): { exitCode: number; message: string } {
  const message = `${reason}: see the first rejects.`;
  return { exitCode: 65, message: JSON.stringify(report({ state: 'Failed', reason, message })) };
}

async function loading(
  options: ClusterOptions = {},
): Promise<{ cluster: ImportCluster; pod: string }> {
  const cluster = await ImportCluster.create(options);
  cluster.progress = report();
  const pod = await cluster.runCoordinator();
  await cluster.clock.advance(1_100);
  await cluster.settle();
  return { cluster, pod };
}

async function replicas(cluster: ImportCluster, name: string): Promise<unknown> {
  const deployment = await cluster.read(deployments, name);
  return (deployment?.['spec'] as { replicas?: number } | undefined)?.replicas;
}

async function jobUid(cluster: ImportCluster): Promise<string | undefined> {
  return (await cluster.read(jobs, 'users-coordinator'))?.metadata.uid;
}

describe('an import from its creation to its end', () => {
  it('makes the configuration, coordinator, workers and gateway, scales them, and ends with totals', async () => {
    await using cluster = await ImportCluster.create();

    expect(await cluster.read(configMaps, 'users-config')).toBeDefined();
    expect(await cluster.read(services, 'users-gateway')).toBeDefined();
    expect(await replicas(cluster, 'users-worker')).toBe(0);
    expect(await replicas(cluster, 'users-gateway')).toBe(1);

    cluster.progress = report();
    const pod = await cluster.runCoordinator();
    await cluster.rollOut('users-gateway');
    await cluster.clock.advance(1_100);
    await cluster.settle();

    expect(await replicas(cluster, 'users-worker')).toBe(2);
    expect(await cluster.condition('Ready')).toMatchObject({ status: 'False', reason: 'Loading' });
    expect(await cluster.condition('Reconciling')).toMatchObject({ status: 'True' });

    cluster.progress = undefined;
    await cluster.endCoordinator(pod, completed);

    expect(await cluster.condition('Complete')).toMatchObject({ status: 'True' });
    expect(await cluster.condition('Ready')).toMatchObject({ status: 'True', reason: 'Complete' });
    expect(await cluster.status()).toMatchObject({ totals, percent: 100, workers: { wanted: 0 } });
    expect(await replicas(cluster, 'users-worker')).toBe(0);
    expect(await cluster.read(jobs, 'users-coordinator')).toBeDefined();
  });

  it('writes nothing once all is as it should be', async () => {
    const { cluster, pod } = await loading();
    await using _ = cluster;
    await cluster.endCoordinator(pod, completed);
    await cluster.rollOut('users-gateway');
    cluster.calls.length = 0;

    await cluster.stopOperator();
    await cluster.startOperator();
    await cluster.clock.advance(60_000);
    await cluster.settle();

    expect(cluster.calls.filter(({ verb }) => verb !== 'list')).toEqual([]);
  });

  it('waits for the gateway before it is Ready', async () => {
    const { cluster, pod } = await loading();
    await using _ = cluster;

    await cluster.endCoordinator(pod, completed);
    expect(await cluster.condition('Ready')).toMatchObject({ reason: 'GatewayNotReady' });

    await cluster.rollOut('users-gateway');
    expect(await cluster.condition('Ready')).toMatchObject({ status: 'True' });
  });
});

describe('what must exist before a pod starts', () => {
  const cases = [
    {
      given: 'no Secret',
      options: { secret: undefined },
      type: 'BackendsReady',
      reason: 'SecretNotFound',
      names: 'millrace-backends',
    },
    {
      given: 'a Secret without a needed key',
      options: { secret: { POSTGRES_URL: 'cA==' } },
      type: 'BackendsReady',
      reason: 'SecretKeyMissing',
      names: 'RABBITMQ_URL',
    },
    {
      given: 'a Secret with an empty value',
      options: { secret: { POSTGRES_URL: 'cA==', RABBITMQ_URL: '' } },
      type: 'BackendsReady',
      reason: 'SecretKeyMissing',
      names: 'RABBITMQ_URL',
    },
    {
      given: 'a cache without the address of Redis',
      options: {
        secret: { POSTGRES_URL: 'cA==', RABBITMQ_URL: 'cg==' },
        spec: { ...usersSpec, cache: { mode: 'Invalidate' } },
      },
      type: 'BackendsReady',
      reason: 'SecretKeyMissing',
      names: 'REDIS_URL',
    },
    {
      given: 'a bound on requests without the address of Redis, which counts them',
      options: {
        secret: { POSTGRES_URL: 'cA==', RABBITMQ_URL: 'cg==' },
        spec: { ...usersSpec, serve: { enabled: true, rateLimit: { requests: 9, per: '1m' } } },
      },
      type: 'BackendsReady',
      reason: 'SecretKeyMissing',
      names: 'REDIS_URL',
    },
    {
      given: 'a gateway that asks for tokens without a list of them',
      options: {
        secret: { POSTGRES_URL: 'cA==', RABBITMQ_URL: 'cg==' },
        spec: { ...usersSpec, serve: { enabled: true, auth: { mode: 'Tokens' as const } } },
      },
      type: 'BackendsReady',
      reason: 'SecretKeyMissing',
      names: 'TOKENS',
    },
    {
      given: 'a sealed column without keys to seal it',
      options: {
        secret: { POSTGRES_URL: 'cA==', RABBITMQ_URL: 'cg==' },
        spec: {
          ...usersSpec,
          format: { header: 'Present' as const },
          columns: [
            { name: 'id', type: 'bigint' as const },
            { name: 'email', type: 'text' as const, sealed: true },
          ],
          serve: {},
        },
      },
      type: 'BackendsReady',
      reason: 'SecretKeyMissing',
      names: 'SEALING_KEYS',
    },
    {
      given: 'no claim',
      options: { hasClaim: false },
      type: 'SourceReady',
      reason: 'ClaimNotFound',
      names: 'data',
    },
  ];
  for (const { given, options, type, reason, names } of cases) {
    it(`names it and starts no coordinator, given ${given}`, async () => {
      await using cluster = await ImportCluster.create(options);

      const condition = await cluster.condition(type);
      expect(condition).toMatchObject({ status: 'False', reason });
      expect(condition?.message).toContain(names);
      expect(await cluster.condition('Ready')).toMatchObject({ status: 'False', reason });
      expect(await cluster.read(jobs, 'users-coordinator')).toBeUndefined();
      expect(await cluster.read(deployments, 'users-worker')).toBeUndefined();
    });
  }

  it('starts by itself when the Secret and the claim appear', async () => {
    await using cluster = await ImportCluster.create({ secret: undefined, hasClaim: false });

    await cluster.createSecret({ POSTGRES_URL: 'cA==', RABBITMQ_URL: 'cg==' });
    await cluster.createClaim();
    await cluster.settle();

    expect(await cluster.read(jobs, 'users-coordinator')).toBeDefined();
    expect(await cluster.condition('Ready')).toMatchObject({ reason: 'Starting' });
  });

  it('does not stop what runs when the Secret is deleted later', async () => {
    const { cluster } = await loading();
    await using _ = cluster;
    const before = await jobUid(cluster);

    await cluster.api.delete(
      { apiVersion: 'v1', kind: 'Secret', plural: 'secrets' },
      { namespace, name: 'millrace-backends' },
    );
    await cluster.settle();

    expect(await jobUid(cluster)).toBe(before);
    expect(await replicas(cluster, 'users-worker')).toBe(2);
    expect(await cluster.condition('BackendsReady')).toMatchObject({ reason: 'SecretNotFound' });
  });
});

describe('a spec that cannot work', () => {
  it('is Stalled with the field and the remedy, and makes nothing', async () => {
    await using cluster = await ImportCluster.create({
      spec: { ...usersSpec, chunkBytes: 10 },
      isLenient: true,
    });

    const stalled = await cluster.condition('Stalled');
    expect(stalled).toMatchObject({ status: 'True', reason: 'InvalidSpec' });
    expect(stalled?.message).toMatch(/spec\.chunkBytes.*16Mi/);
    expect(await cluster.read(configMaps, 'users-config')).toBeUndefined();
  });

  it('does not stop the care of the last valid one', async () => {
    const { cluster } = await loading({ isLenient: true });
    await using _ = cluster;

    await cluster.changeSpec({ cache: { ttl: '0s' } });
    cluster.progress = report({ workers: { wanted: 1, why: 'one chunk waits' } });
    await cluster.clock.advance(2_100);
    await cluster.settle();

    expect(await cluster.condition('Stalled')).toMatchObject({ reason: 'InvalidSpec' });
    expect(await replicas(cluster, 'users-worker')).toBe(1);
    expect(await cluster.read(jobs, 'users-coordinator')).toBeDefined();
  });
});

describe('suspend and pause', () => {
  it('suspends the coordinator, stops the workers and keeps the gateway, then resumes', async () => {
    const { cluster, pod } = await loading();
    await using _ = cluster;

    await cluster.changeSpec({ suspend: true });
    expect(await cluster.condition('Suspended')).toMatchObject({ reason: 'Draining' });
    await cluster.api.delete(pods, { namespace, name: pod });
    await cluster.rollOut('users-worker');

    expect(await cluster.read(jobs, 'users-coordinator')).toMatchObject({
      spec: { suspend: true },
    });
    expect(await replicas(cluster, 'users-worker')).toBe(0);
    expect(await replicas(cluster, 'users-gateway')).toBe(1);
    expect(await cluster.condition('Suspended')).toMatchObject({ status: 'True' });
    expect(await cluster.condition('Reconciling')).toMatchObject({ status: 'False' });

    await cluster.changeSpec({ suspend: false });
    await cluster.runCoordinator();

    expect(await cluster.read(jobs, 'users-coordinator')).toMatchObject({
      spec: { suspend: false },
    });
    expect(await cluster.condition('Suspended')).toMatchObject({ status: 'False' });
  });

  it('does not take a coordinator that was told to stop for a finished one', async () => {
    const { cluster, pod } = await loading();
    await using _ = cluster;

    await cluster.changeSpec({ suspend: true });
    await cluster.endCoordinator(pod, {
      exitCode: 0,
      message: JSON.stringify(report()),
      isJobTold: false,
    });

    expect(await cluster.condition('Complete')).toMatchObject({ status: 'False' });
  });

  it('writes nothing but status while paused', async () => {
    await using cluster = await ImportCluster.create({ spec: { ...usersSpec, paused: true } });

    const writes = cluster.calls.filter(({ verb }) =>
      ['apply', 'patch', 'scale', 'delete'].includes(verb),
    );
    expect(writes).toEqual([]);
    expect(await cluster.condition('Reconciling')).toMatchObject({ reason: 'Paused' });

    await cluster.changeSpec({ paused: false });
    expect(await cluster.read(jobs, 'users-coordinator')).toBeDefined();
  });
});

describe('how an import ends', () => {
  it('is Failed with the reason that the coordinator gave', async () => {
    const { cluster, pod } = await loading();
    await using _ = cluster;

    await cluster.endCoordinator(pod, failedWith('MissingColumn'));

    for (const type of ['Failed', 'Stalled']) {
      expect(await cluster.condition(type)).toMatchObject({
        status: 'True',
        reason: 'MissingColumn',
      });
    }
    expect(await cluster.condition('Ready')).toMatchObject({ status: 'False' });
    expect(await replicas(cluster, 'users-worker')).toBe(0);
  });

  it('runs again when the limits that failed it are raised', async () => {
    const { cluster, pod } = await loading();
    await using _ = cluster;
    await cluster.endCoordinator(pod, failedWith('TooManyRejects'));
    const before = await jobUid(cluster);

    await cluster.changeSpec({ rejects: { maxRows: 5_000 } });

    expect(await jobUid(cluster)).not.toBe(before);
    expect(await cluster.condition('Failed')).toMatchObject({ status: 'False' });
  });

  it('does not run again for another reason', async () => {
    const { cluster, pod } = await loading();
    await using _ = cluster;
    await cluster.endCoordinator(pod, failedWith('SourceChanged'));
    const before = await jobUid(cluster);

    await cluster.changeSpec({ rejects: { maxRows: 5_000 } });

    expect(await jobUid(cluster)).toBe(before);
    expect(await cluster.condition('Failed')).toMatchObject({ reason: 'SourceChanged' });
  });

  it('stalls on a configuration that the coordinator refuses', async () => {
    const { cluster, pod } = await loading();
    await using _ = cluster;

    await cluster.endCoordinator(pod, { exitCode: 64 });

    expect(await cluster.condition('Stalled')).toMatchObject({
      status: 'True',
      reason: 'BadConfiguration',
    });
  });

  it('keeps trying a coordinator that crashes, and says how often it did', async () => {
    const { cluster, pod } = await loading();
    await using _ = cluster;

    await cluster.endCoordinator(pod, { exitCode: 70 });
    expect(await cluster.condition('Ready')).toMatchObject({ reason: 'Loading' });
    await cluster.endCoordinator(await cluster.runCoordinator(), { exitCode: 70 });
    await cluster.endCoordinator(await cluster.runCoordinator(), { exitCode: 70 });

    const ready = await cluster.condition('Ready');
    expect(ready).toMatchObject({ status: 'False', reason: 'CoordinatorCrashing' });
    expect(ready?.message).toContain('3 times');
    expect(await cluster.condition('Stalled')).toMatchObject({ status: 'False' });

    await cluster.runCoordinator();
    expect(await cluster.condition('Ready')).toMatchObject({ reason: 'Loading' });
  });

  it('has exact totals though the operator was down and no poll was answered', async () => {
    const cluster = await ImportCluster.create();
    await using _ = cluster;
    const pod = await cluster.runCoordinator();
    await cluster.stopOperator();
    await cluster.endCoordinator(pod, completed);

    await cluster.startOperator();
    await cluster.settle();

    expect(await cluster.condition('Complete')).toMatchObject({ status: 'True' });
    expect(await cluster.status()).toMatchObject({ totals });
  });

  it('runs the coordinator once more when its last words are gone', async () => {
    const { cluster, pod } = await loading();
    await using _ = cluster;
    const before = await jobUid(cluster);
    await cluster.stopOperator();
    await cluster.endJob('Complete');
    await cluster.api.delete(pods, { namespace, name: pod });

    await cluster.startOperator();
    await cluster.settle();
    expect(await jobUid(cluster)).toBe(before);
    await cluster.clock.advance(10_000);
    await cluster.settle();

    expect(await jobUid(cluster)).not.toBe(before);
    await cluster.endCoordinator(await cluster.runCoordinator(), completed);
    expect(await cluster.status()).toMatchObject({ totals });
  });

  it('stays Complete when the Job and its pod are removed', async () => {
    const { cluster, pod } = await loading();
    await using _ = cluster;
    await cluster.endCoordinator(pod, completed);

    await cluster.api.delete(jobs, { namespace, name: 'users-coordinator' });
    await cluster.settle();

    expect(await cluster.read(jobs, 'users-coordinator')).toBeUndefined();
    expect(await cluster.status()).toMatchObject({ totals, percent: 100 });
    expect(await cluster.condition('Complete')).toMatchObject({ status: 'True' });
  });
});

describe('progress', () => {
  it('keeps the workers when the coordinator stops answering', async () => {
    const { cluster } = await loading();
    await using _ = cluster;

    cluster.progress = undefined;
    await cluster.clock.advance(120_000);
    await cluster.stopOperator();
    await cluster.startOperator();
    await cluster.settle();

    expect(await replicas(cluster, 'users-worker')).toBe(2);
  });

  it('scales within the bounds of the spec and touches nothing else for it', async () => {
    const { cluster } = await loading();
    await using _ = cluster;
    const before = await cluster.read(deployments, 'users-worker');

    cluster.progress = report({ workers: { wanted: 50, why: 'many chunks wait' } });
    await cluster.clock.advance(2_100);
    await cluster.settle();
    cluster.progress = report({ workers: { wanted: 1, why: 'one chunk waits' } });
    await cluster.clock.advance(4_100);
    await cluster.settle();

    const after = await cluster.read(deployments, 'users-worker');
    expect(await replicas(cluster, 'users-worker')).toBe(1);
    expect(after).toEqual({
      ...before,
      metadata: {
        ...before?.metadata,
        generation: after?.metadata.generation,
        resourceVersion: after?.metadata.resourceVersion,
      },
      spec: { ...(before?.['spec'] as object), replicas: 1 },
    });
  });

  it('says which backend is away, why and since when', async () => {
    const { cluster } = await loading();
    await using _ = cluster;

    cluster.progress = report({
      backends: [
        {
          name: 'postgres',
          ok: false,
          reason: 'AuthenticationFailed',
          message: 'The password of POSTGRES_URL is refused.',
          since: '2030-01-01T00:00:00Z',
        },
        { name: 'rabbitmq', ok: true },
      ],
    });
    await cluster.clock.advance(2_100);
    await cluster.settle();

    const condition = await cluster.condition('BackendsReady');
    expect(condition).toMatchObject({ status: 'False', reason: 'AuthenticationFailed' });
    expect(condition?.message).toMatch(/postgres.*since 2030-01-01T00:00:00Z.*password/);
    expect(await cluster.condition('Ready')).toMatchObject({ reason: 'AuthenticationFailed' });
  });

  it('writes figures at most every ten seconds', async () => {
    const { cluster } = await loading();
    await using _ = cluster;
    await cluster.clock.advance(20_000);
    await cluster.settle();
    cluster.calls.length = 0;

    for (let done = 1; done <= 60; done++) {
      cluster.progress = report({ bytes: { source: 1_000, planned: 1_000, done } });
      await cluster.clock.advance(1_000);
    }
    await cluster.settle();

    const writes = cluster.calls.filter(({ verb }) => verb === 'applyStatus').length;
    expect(writes).toBeGreaterThanOrEqual(4);
    expect(writes).toBeLessThanOrEqual(8);
    expect(await cluster.read(csvImports, 'users')).toMatchObject({ status: { percent: 5 } });
  });
});
