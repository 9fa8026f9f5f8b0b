import { describe, expect, it } from 'vitest';
import { PipelineCluster, type PipelineClusterOptions } from '../../../test/pipeline-cluster.ts';
import {
  backlog,
  namespace,
  pipelineBackends,
  pipelineReport,
  views,
  viewsSpec,
} from '../../../test/pipeline-world.ts';
import type { ApiCall } from '../../memory/faults.ts';
import {
  configMaps,
  deployments,
  jobs,
  secrets,
  services,
} from '../../machinery/workload/resource-types.ts';
import { incrementPipelines } from './resource-types.ts';

const left = pipelineReport({ backlog: backlog(3), members: { gateways: 0, workers: 1 } });
const empty = pipelineReport({ members: { gateways: 0, workers: 1 } });
const busy = { acceptedPerSecond: 2_000, committedPerSecond: 2_000, perWorkerPerSecond: 1_000 };

async function running(options: PipelineClusterOptions = {}): Promise<PipelineCluster> {
  const cluster = await PipelineCluster.create(options);
  cluster.progress = pipelineReport();
  await cluster.rollOutAll();
  await cluster.pass(1_100);
  return cluster;
}

/** Suspended or deleted already, with gateways that have stopped. */
async function emptied(cluster: PipelineCluster): Promise<void> {
  cluster.progress = empty;
  await cluster.rollOut('gateway');
  await cluster.pass(5_000);
}

async function deleted(cluster: PipelineCluster): Promise<void> {
  await cluster.delete(incrementPipelines, 'views');
  await cluster.settle();
}

async function drainingReason(cluster: PipelineCluster): Promise<string | undefined> {
  return (await cluster.condition('Draining'))?.reason;
}

function writesOf(calls: readonly ApiCall[]): readonly string[] {
  const reads = ['get', 'list', 'watch'];
  return calls
    .filter(({ verb }) => !reads.includes(verb))
    .map(({ verb, type, ref }) => `${verb} ${type.kind}/${ref?.name ?? ''}`);
}

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
    expect(await cluster.condition('Reconciling')).toMatchObject({ reason: 'Settled' });
  });

  it('is held before anything is started', async () => {
    await using cluster = await PipelineCluster.create();
    const writes = writesOf(cluster.calls);

    expect(writes.indexOf('patch IncrementPipeline/views')).toBeGreaterThanOrEqual(0);
    expect(writes.indexOf('patch IncrementPipeline/views')).toBeLessThan(
      writes.findIndex((write) => write.startsWith('apply ConfigMap')),
    );
  });

  it('starts nothing without its Secret, and goes at once when it is deleted then', async () => {
    await using cluster = await PipelineCluster.create({ secret: undefined });

    expect(await cluster.read(deployments, 'views-worker')).toBeUndefined();
    expect(await cluster.condition('BackendsReady')).toMatchObject({ reason: 'SecretNotFound' });

    await deleted(cluster);
    expect(await cluster.read(incrementPipelines, 'views')).toBeUndefined();
  });

  it('starts by itself when the Secret appears, and lives on when it is removed', async () => {
    await using cluster = await PipelineCluster.create({ secret: undefined });
    await cluster.createSecret(pipelineBackends);
    await cluster.settle();
    expect(await cluster.replicas('gateway')).toBe(2);

    await cluster.delete(secrets, 'millrace-backends');
    await cluster.settle();
    expect(await cluster.replicas('gateway')).toBe(2);
  });

  it('writes nothing once all is as it should be, nor after a restart', async () => {
    await using cluster = await running();
    await cluster.pass(11_000);
    cluster.calls.length = 0;

    await cluster.stopOperator();
    await cluster.startOperator();
    await cluster.pass(60_000);

    expect(writesOf(cluster.calls)).toEqual([]);
  });
});

describe('the number of workers', () => {
  it('follows the reports, and is not touched by a restart of the operator', async () => {
    await using cluster = await running();
    cluster.progress = pipelineReport({ rates: busy });
    await cluster.pass(11_000);
    expect(await cluster.replicas('worker')).toBe(3);

    await cluster.stopOperator();
    cluster.progress = undefined;
    await cluster.startOperator();
    await cluster.pass(30_000);
    expect(await cluster.replicas('worker')).toBe(3);
  });

  it('falls when fewer have sufficed for a minute, although no report says anything new', async () => {
    await using cluster = await running();
    cluster.progress = pipelineReport({ rates: busy });
    await cluster.pass(11_000);
    await cluster.rollOut('worker');
    cluster.progress = pipelineReport({ rates: { ...busy, acceptedPerSecond: 10 } });

    await cluster.pass(20_000);
    expect(await cluster.replicas('worker')).toBe(3);
    for (let seconds = 0; seconds < 90; seconds += 5) await cluster.pass(5_000);

    expect(await cluster.replicas('worker')).toBe(1);
  });

  it('is put back when somebody else has changed it', async () => {
    await using cluster = await running();
    const ref = { namespace, name: 'views-worker' };
    await cluster.api.scale(deployments, ref, { fieldManager: 'me', force: true, replicas: 0 });
    await cluster.settle();

    expect(await cluster.replicas('worker')).toBe(1);
  });
});

describe('a suspended pipeline', () => {
  it('starts nothing when it is created so, and goes at once when it is deleted so', async () => {
    await using cluster = await PipelineCluster.create({ spec: { ...viewsSpec, suspend: true } });

    expect(await cluster.replicas('worker')).toBe(0);
    expect(await cluster.replicas('gateway')).toBe(0);
    expect(await drainingReason(cluster)).toBe('NeverStarted');

    await deleted(cluster);
    expect(await cluster.read(incrementPipelines, 'views')).toBeUndefined();
  });

  it('stops its gateways, then empties its streams, then stops its workers, and comes back', async () => {
    await using cluster = await running();
    await cluster.changeSpec({ suspend: true });
    expect([await cluster.replicas('gateway'), await cluster.replicas('worker')]).toEqual([0, 1]);
    expect(await drainingReason(cluster)).toBe('GatewaysStopping');

    cluster.progress = left;
    await cluster.rollOut('gateway');
    await cluster.pass(20_000);
    expect(await drainingReason(cluster)).toBe('Emptying');
    expect(await cluster.replicas('worker')).toBe(1);

    cluster.progress = empty;
    await cluster.pass(5_000);
    expect(await cluster.replicas('worker')).toBe(0);
    await cluster.rollOut('worker');
    expect(await cluster.condition('Draining')).toMatchObject({
      status: 'False',
      reason: 'Drained',
    });

    await cluster.changeSpec({ suspend: false });
    expect([await cluster.replicas('gateway'), await cluster.replicas('worker')]).toEqual([2, 1]);
    expect(await drainingReason(cluster)).toBe('NotDraining');
  });

  it('believes no report that was asked for while a gateway was there', async () => {
    await using cluster = await running();
    // From before the stop, and it looks just like the proof.
    cluster.progress = empty;
    await cluster.pass(11_000);
    await cluster.changeSpec({ suspend: true });
    cluster.progress = undefined;
    await cluster.rollOut('gateway');
    await cluster.pass(20_000);

    expect(await drainingReason(cluster)).toBe('Emptying');
    expect(await cluster.replicas('worker')).toBe(1);
  });

  it('believes no report that may be of a look from before, though it was asked for after', async () => {
    await using cluster = await running();
    await cluster.changeSpec({ suspend: true });
    cluster.progress = empty;
    await cluster.rollOut('gateway');
    await cluster.pass(1_500);

    expect(await drainingReason(cluster)).toBe('Emptying');
  });

  it('takes a report that says the same as before for a new one', async () => {
    await using cluster = await running();
    cluster.progress = empty;
    await cluster.pass(11_000);
    await cluster.changeSpec({ suspend: true });
    await cluster.rollOut('gateway');
    await cluster.pass(5_000);

    expect(await cluster.replicas('worker')).toBe(0);
  });

  it('has its proof on record before the first worker stops', async () => {
    await using cluster = await running();
    await cluster.changeSpec({ suspend: true });
    let reason: string | undefined;
    cluster.beforeCall = async ({ verb, ref }) => {
      if (verb !== 'scale' || ref?.name !== 'views-worker') return;
      cluster.beforeCall = () => Promise.resolve();
      reason = await drainingReason(cluster);
    };
    await emptied(cluster);

    expect(await cluster.replicas('worker')).toBe(0);
    expect(reason).toBe('WorkersStopping');
  });

  it('is left at none by every operator that comes after, whatever it hears', async () => {
    await using cluster = await running();
    await cluster.changeSpec({ suspend: true });
    await emptied(cluster);
    await cluster.rollOut('worker');
    cluster.calls.length = 0;

    for (const progress of [undefined, left]) {
      cluster.progress = progress;
      await cluster.stopOperator();
      await cluster.startOperator();
      await cluster.pass(30_000);
    }

    expect(await cluster.replicas('worker')).toBe(0);
    expect(await drainingReason(cluster)).toBe('Drained');
    expect(writesOf(cluster.calls)).toEqual([]);
  });

  it('proves anew that nothing is left when it had been resumed in between', async () => {
    await using cluster = await running();
    await cluster.changeSpec({ suspend: true });
    await emptied(cluster);
    await cluster.rollOut('worker');
    await cluster.changeSpec({ suspend: false });
    await cluster.rollOutAll();
    cluster.progress = left;
    await cluster.changeSpec({ suspend: true });
    await cluster.rollOut('gateway');
    await cluster.pass(20_000);

    expect(await cluster.replicas('worker')).toBe(1);
    expect(await drainingReason(cluster)).toBe('Emptying');
  });
});

describe('a deleted pipeline', () => {
  it('drains, is cleared up behind and goes with all its children', async () => {
    await using cluster = await running();
    await deleted(cluster);
    await emptied(cluster);
    expect(await cluster.read(jobs, 'views-janitor')).toBeUndefined();

    await cluster.rollOut('worker');
    const pod = await cluster.runJanitor();
    await cluster.settle();
    expect(await cluster.read(incrementPipelines, 'views')).toBeDefined();

    await cluster.endJanitor(pod, 0);
    await cluster.settle();
    expect(await cluster.read(incrementPipelines, 'views')).toBeUndefined();
    expect(await cluster.read(deployments, 'views-worker')).toBeUndefined();
    expect(await cluster.read(configMaps, 'views-config')).toBeUndefined();
  });

  it('goes at once with Purge, whatever is in flight, once its pods have stopped', async () => {
    await using cluster = await running({ spec: { ...viewsSpec, deletionPolicy: 'Purge' } });
    cluster.progress = left;
    await deleted(cluster);
    expect([await cluster.replicas('gateway'), await cluster.replicas('worker')]).toEqual([0, 0]);
    expect(await cluster.read(jobs, 'views-janitor')).toBeUndefined();

    await cluster.rollOutAll();
    const job = await cluster.read(jobs, 'views-janitor');
    expect(JSON.stringify(job)).toContain('"MILLRACE_DELETION_POLICY","value":"Purge"');
    await cluster.endJanitor(await cluster.runJanitor(), 0);
    await cluster.settle();
    expect(await cluster.read(incrementPipelines, 'views')).toBeUndefined();
  });

  it('changes no pod when only the deletion policy changes', async () => {
    await using cluster = await running();
    const before = await cluster.read(deployments, 'views-gateway');

    await cluster.changeSpec({ deletionPolicy: 'Purge' });

    const after = await cluster.read(deployments, 'views-gateway');
    expect(after?.metadata.resourceVersion).toBe(before?.metadata.resourceVersion);
  });

  it('announces in its status that it lets go, before it does', async () => {
    await using cluster = await running();
    await deleted(cluster);
    await emptied(cluster);
    await cluster.rollOut('worker');
    const pod = await cluster.runJanitor();
    cluster.beforeCall = ({ verb, type }) =>
      verb === 'patch' && type.kind === 'IncrementPipeline'
        ? Promise.reject(new Error('not now'))
        : Promise.resolve();
    await cluster.endJanitor(pod, 0);
    await cluster.settle();

    expect((await cluster.status())?.intent).toMatchObject({
      step: expect.stringContaining('let IncrementPipeline/views go') as unknown,
      uid: 'uid-of-incrementpipeline-views-1',
    });
  });

  it('leaves the finalizers of others alone', async () => {
    await using cluster = await running();
    const finalizers = ['example.com/archive', 'millrace.dev/drain'];
    await cluster.api.patch(incrementPipelines, views, { metadata: { finalizers } });
    await deleted(cluster);
    await emptied(cluster);
    await cluster.rollOut('worker');
    await cluster.endJanitor(await cluster.runJanitor(), 0);
    await cluster.settle();

    const { metadata } = (await cluster.read(incrementPipelines, 'views')) ?? {};
    expect(metadata?.finalizers).toEqual(['example.com/archive']);
  });

  it('stays while its janitor fails, says so, and tries again when the Job is deleted', async () => {
    await using cluster = await running();
    await deleted(cluster);
    await emptied(cluster);
    await cluster.rollOut('worker');
    await cluster.endJanitor(await cluster.runJanitor(), 65);
    await cluster.settle();
    expect(await cluster.condition('Stalled')).toMatchObject({ reason: 'JanitorFailed' });

    await cluster.delete(jobs, 'views-janitor');
    await cluster.settle();
    expect(await cluster.read(jobs, 'views-janitor')).toBeDefined();
    expect(await cluster.condition('Stalled')).toMatchObject({ status: 'False' });
  });
});

describe('care of what is there', () => {
  it('goes on by the last valid spec when a newer one is wrong', async () => {
    await using cluster = await running({ isLenient: true });
    await cluster.changeSpec({ flush: { interval: '1h' } });
    await cluster.delete(services, 'views-gateway');
    cluster.progress = pipelineReport({ rates: busy });
    await cluster.pass(11_000);

    expect(await cluster.condition('Stalled')).toMatchObject({ reason: 'InvalidSpec' });
    expect(await cluster.read(services, 'views-gateway')).toBeDefined();
    expect(await cluster.replicas('worker')).toBe(3);
  });

  it('rests while it is paused', async () => {
    await using cluster = await running();
    await cluster.changeSpec({ paused: true });
    await cluster.delete(services, 'views-gateway');
    await cluster.settle();
    expect(await cluster.read(services, 'views-gateway')).toBeUndefined();
    expect(await cluster.condition('Reconciling')).toMatchObject({ reason: 'Paused' });

    await cluster.changeSpec({ paused: false });
    expect(await cluster.read(services, 'views-gateway')).toBeDefined();
  });

  it('puts back what somebody else has changed', async () => {
    await using cluster = await running();
    const before = await cluster.read(deployments, 'views-gateway');
    const ref = { namespace, name: 'views-gateway' };
    await cluster.api.patch(deployments, ref, {
      spec: { template: { spec: { restartPolicy: 'Never' } } },
    });
    await cluster.settle();

    expect((await cluster.read(deployments, 'views-gateway'))?.['spec']).toEqual(before?.['spec']);
  });
});
