/** The commands on a service that never ends: what they say of its numbers, its drain and its deletion. */
import { apiVersion } from '@millrace/crds/define-kind';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { commandLine, type Printed } from '../../test/command-line.ts';
import { PipelineCluster } from '../../test/pipeline-cluster.ts';
import { backlog, namespace, pipelineReport, viewsSpec } from '../../test/pipeline-world.ts';
import { incrementPipelines } from '../kinds/increment-pipeline/resource-types.ts';

async function says(cluster: PipelineCluster, ...args: readonly string[]): Promise<Printed> {
  const now = () => cluster.clock.now();
  await using line = await commandLine({ api: cluster.api, namespace, now });
  return await line.run(...args);
}

async function planned(cluster: PipelineCluster, spec: object): Promise<string> {
  const now = () => cluster.clock.now();
  await using line = await commandLine({ api: cluster.api, namespace, now });
  const { kind } = incrementPipelines;
  const text = stringify({ apiVersion, kind, metadata: { name: 'views' }, spec });
  const { stdout, stderr } = await line.run('plan', await line.file('views.yaml', text));
  return withoutDigests(stdout + stderr);
}

const withoutDigests = (text: string): string =>
  text.replaceAll(/\b[0-9a-f]{16,64}\b|"[0-9a-f]{12,64}"/g, '#');

const totals = { ...pipelineReport().totals, accepted: 1_234, committed: 1_200, duplicates: 4 };
const busy = pipelineReport({
  totals,
  backlog: backlog(3),
  rates: { acceptedPerSecond: 1_000, committedPerSecond: 1_000, perWorkerPerSecond: 1_000 },
});

/** Its pods run, and it has been told of two that are enough. */
async function runningPipeline(): Promise<PipelineCluster> {
  const cluster = await PipelineCluster.create();
  cluster.progress = busy;
  await cluster.rollOutAll();
  await cluster.pass(20_000);
  await cluster.rollOut('worker');
  await cluster.pass(10_000);
  return cluster;
}

describe('millrace plan, of a pipeline', () => {
  it('shows what a new one would bring, and what it would wait for', async () => {
    await using cluster = new PipelineCluster();

    expect(await planned(cluster, viewsSpec)).toMatchInlineSnapshot(`
      "IncrementPipeline team/views would be created  views.yaml:1
        ! Pods are planned with the image millrace-runtimes; say with --runtime-image which one the operator was given.
        The operator would then
          + create  ConfigMap/views-config  it is new
          + create  Service/views-gateway   increments are to be taken
          … wait    Secret millrace-backends with the keys POSTGRES_URL, REDIS_URL

      3 to create, 0 to change, 0 to delete, 1 wait. Nothing was written.
      "
    `);
  });

  it('says that a suspension stops the gateways and lets the workers drain', async () => {
    await using cluster = await runningPipeline();

    expect(await planned(cluster, { ...viewsSpec, suspend: true })).toMatchInlineSnapshot(`
      "IncrementPipeline team/views would be changed  views.yaml:1
        spec.suspend: (none) → true
        The operator would then
          ~ change  ConfigMap/views-config    as the spec asks
              data["spec.json"].suspend: (none) → true
          ~ change  Deployment/views-gateway  the pipeline is suspended
              spec.replicas: 2 → 0

      0 to create, 3 to change, 0 to delete. Nothing was written.
      "
    `);
  });

  it('says that more workers restart no pod', async () => {
    await using cluster = await runningPipeline();

    expect(await planned(cluster, { ...viewsSpec, workers: { min: 3, max: 4 } }))
      .toMatchInlineSnapshot(`
      "IncrementPipeline team/views would be changed  views.yaml:1
        spec.workers.min: 1 → 3
        spec.workers.max: 3 → 4
        The operator would then
          ~ change  ConfigMap/views-config   as the spec asks
              data["spec.json"].workers.min: 1 → 3
              data["spec.json"].workers.max: 3 → 4
          ~ change  Deployment/views-worker  no pod has reported yet
              spec.replicas: 2 → 3

      0 to create, 3 to change, 0 to delete. Nothing was written.
      "
    `);
  });
});

describe('millrace status, of a pipeline', () => {
  it('shows its figures in the table of all kinds', async () => {
    await using cluster = await runningPipeline();

    expect((await says(cluster, 'status')).stdout).toMatchInlineSnapshot(`
      "NAME                     READY  REASON     DONE  TOTALS          WORKERS  AGE
      incrementpipeline/views  True   Accepting        1,234 accepted  2/2      31 s
      "
    `);
  });

  it('shows one in detail', async () => {
    await using cluster = await runningPipeline();

    expect((await says(cluster, 'status', 'incp/views')).stdout).toMatchInlineSnapshot(`
      "IncrementPipeline team/views  ready: True (Accepting, since 30 s)
        Increments are accepted and committed.
        accepted 1,234 = committed 1,200 + duplicates 4 + dead letters 0 + lost 0 + backlog 30
        workers  2 ready of 2 wanted, scaled by the operator
        image    millrace-runtimes:test
        age      31 s
      "
    `);
  });

  it('says by its sign when increments are missing from its figures', async () => {
    await using cluster = await runningPipeline();
    cluster.progress = { ...busy, totals: { ...totals, deadLetters: 2 } };
    await cluster.pass(20_000);

    const { stdout } = await says(cluster, 'status', 'incp/views');
    const table = await says(cluster, 'status');

    expect(stdout).toContain('accepted 1,234 ≠ committed 1,200 + duplicates 4 + dead letters 2');
    expect(table.stdout).toContain('1,234 accepted, 2 dead letters');
  });
});

describe('millrace why, of a pipeline', () => {
  it('names what it waits for before anything is started', async () => {
    await using cluster = await PipelineCluster.create({ secret: undefined });

    expect((await says(cluster, 'why', 'incp/views')).stdout).toMatchInlineSnapshot(`
      "IncrementPipeline team/views waits (SecretNotFound); not ready for 0 s.
        Secret millrace-backends does not exist. Create it with the keys POSTGRES_URL, REDIS_URL; nothing starts before.

        1. It waits for Secret millrace-backends with the keys POSTGRES_URL, REDIS_URL.
           since 0 s; looked at again as soon as it changes

      Workers: the operator scales them; 1 is needed since 0 s: no pod has reported yet.
      Operator: there is no Lease millrace-operator; it does not run, or runs without leader election.
      "
    `);
  });

  it('names what keeps a suspended one from being drained', async () => {
    await using cluster = await runningPipeline();
    await cluster.changeSpec({ suspend: true });
    await cluster.rollOut('gateway');
    cluster.progress = { ...busy, members: { gateways: 0, workers: 2 } };
    await cluster.pass(20_000);

    expect((await says(cluster, 'why', 'incp/views')).stdout).toMatchInlineSnapshot(`
      "IncrementPipeline team/views waits (Draining); not ready for 20 s.
        Workers commit what is left in the streams.

        1. It waits for workers to commit what is in flight.
           on Deployment/views-worker, since 20 s; looked at again as soon as it changes

        2. It waits for spec.suspend to be removed.
           on IncrementPipeline/views, since 20 s; looked at again as soon as it changes

      Workers: the operator scales them; 2 are needed since 51 s: (1000/s in + 30 waiting within 30 s) / (1000/s a worker at 70 %) = 1.4.
      Operator: there is no Lease millrace-operator; it does not run, or runs without leader election.
      "
    `);
  });

  it('names what a deleted one waits for', async () => {
    await using cluster = await runningPipeline();
    await cluster.delete(incrementPipelines, 'views');
    await cluster.settle();

    expect((await says(cluster, 'why', 'incp/views')).stdout).toMatchInlineSnapshot(`
      "IncrementPipeline team/views is being deleted, since 0 s.
        The pods of Deployment/views-gateway answer what they have taken and stop; workers go on until nothing is left.

        1. It goes when the finalizer millrace.dev/drain is taken away.
           since 0 s; whoever set it takes it away when their part is done

        2. It waits for the gateways to stop.
           on Deployment/views-gateway, since 0 s; looked at again as soon as it changes

      Workers: the operator scales them; 2 are needed since 31 s: (1000/s in + 30 waiting within 30 s) / (1000/s a worker at 70 %) = 1.4.
      Operator: there is no Lease millrace-operator; it does not run, or runs without leader election.
      "
    `);
  });
});
