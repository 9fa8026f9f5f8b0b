/** Controllers, supervisor and Service proxy together, on real processes of a stub program. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { KubeObject } from '@millrace/operator/machinery/kube-api';
import type { Deployment } from './controllers/deployment.ts';
import type { Job } from './controllers/job.ts';
import {
  asPod,
  deploymentType,
  isReady,
  jobType,
  podType,
  serviceType,
  type Pod,
} from './controllers/workload.ts';
import { startLocalCluster, type LocalCluster } from './local-cluster.ts';
import { statePaths } from './state/paths.ts';
import { until } from './test/until.ts';

const program = [fileURLToPath(new URL('test/stub-pod.ts', import.meta.url))];
let folder: string;
let cluster: LocalCluster;

async function start(): Promise<LocalCluster> {
  return startLocalCluster({
    paths: statePaths(join(folder, 'state')),
    env: process.env,
    claims: new Map(),
    program,
    isNamed: () => true,
    onError: (error) => {
      throw error;
    },
  });
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-cluster-'));
  cluster = await start();
});
afterEach(async () => {
  await cluster.stop();
  await rm(folder, { recursive: true, force: true });
});

function template(args: readonly string[], more: object = {}): object {
  return {
    metadata: { labels: { app: 'web' } },
    spec: {
      containers: [
        {
          name: 'main',
          image: 'stub',
          args,
          ports: [{ name: 'admin', containerPort: 9_090 }],
          env: ['MILLRACE_BIND_ADMIN_PORT', 'MILLRACE_BIND_ADMIN_HOST']
            .map((name) => ({ name, value: '' }))
            .concat({ name: 'MILLRACE_TERMINATION_LOG', value: '/dev/termination-log' }),
          readinessProbe: { httpGet: { path: '/readyz', port: 'admin' }, periodSeconds: 0.1 },
        },
      ],
      ...more,
    },
  };
}

function deployment(args: readonly string[], replicas: number): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'default' },
    spec: {
      replicas,
      selector: { matchLabels: { app: 'web' } },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      template: template(args),
    },
  };
}

function job(args: readonly string[]): KubeObject {
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'load', namespace: 'default' },
    spec: {
      backoffLimit: 5,
      podFailurePolicy: {
        rules: [{ action: 'FailJob', onExitCodes: { operator: 'In', values: [65] } }],
      },
      template: template(args, { restartPolicy: 'Never' }),
    },
  };
}

async function apply(type: typeof jobType, object: KubeObject): Promise<void> {
  await cluster.api.apply(type, object, { fieldManager: 'test', force: true });
}

async function pods(): Promise<readonly Pod[]> {
  return (await cluster.api.list(podType)).items.map(asPod);
}

const web = { namespace: 'default', name: 'web' };
const load = { namespace: 'default', name: 'load' };

async function rolledOut(replicas: number): Promise<void> {
  await until(`${String(replicas)} current pods are ready and no other is there`, async () => {
    const held = (await cluster.api.get(deploymentType, web)) as Deployment | undefined;
    const { status, metadata } = held ?? {};
    const isDone =
      status?.observedGeneration === metadata?.generation &&
      (status?.readyReplicas ?? 0) === replicas &&
      (status?.updatedReplicas ?? 0) === replicas &&
      (await pods()).length === replicas;
    return isDone || undefined;
  });
}

async function jobStatus(what: string, holds: (status: NonNullable<Job['status']>) => boolean) {
  return until(`the Job ${what}`, async () => {
    const held = (await cluster.api.get(jobType, load)) as Job | undefined;
    return held?.status !== undefined && holds(held.status) ? held.status : undefined;
  });
}

test('rolls a Deployment without a moment in which its Service has no endpoint', async () => {
  await apply(serviceType, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: web,
    spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 'admin' }] },
  });
  // A drain that is longer than the endpoint takes to leave the Service, as real gateways have it.
  await apply(deploymentType, deployment(['serve', '2000'], 1));
  await rolledOut(1);
  const { url } = await until('the Service has an endpoint', () =>
    cluster.proxy.served.find(({ endpointCount }) => endpointCount > 0),
  );
  const [before] = await pods();
  let answers = 0;
  const failures: unknown[] = [];
  const asking = new AbortController();
  const client = (async () => {
    while (!asking.signal.aborted) {
      const isOk = await fetch(url, { headers: { connection: 'close' } }).then(
        (response) => response.ok,
        (error: unknown) => failures.push(error) < 0,
      );
      if (isOk) answers++;
    }
  })();

  await apply(deploymentType, deployment(['serve', '0'], 1));
  await until(
    'the pod is another one',
    async () =>
      (await pods()).every(({ metadata }) => metadata.name !== before?.metadata.name) || undefined,
  );
  await rolledOut(1);
  asking.abort();
  await client;

  expect(failures).toEqual([]);
  expect(answers).toBeGreaterThan(5);
});

test('scales a Deployment up and down to nothing', async () => {
  await apply(deploymentType, deployment(['serve'], 2));
  await rolledOut(2);

  await cluster.api.scale(deploymentType, web, {
    fieldManager: 'scaler',
    force: true,
    replicas: 0,
  });
  await rolledOut(0);

  expect(await pods()).toEqual([]);
});

test('tries a Job again until it succeeds, and keeps its pods', async () => {
  const flag = join(folder, 'works-now');
  await apply(jobType, job(['flaky', flag]));
  const failing = await jobStatus('has failed once', ({ failed = 0 }) => failed > 0);
  await writeFile(flag, '');
  await until('a pod serves', async () => (await pods()).find(isReady));

  expect(failing.conditions).toEqual([]);
  expect((await pods()).filter(({ status }) => status?.phase === 'Failed').length).toBeGreaterThan(
    0,
  );
});

test('ends a Job at once on an exit code that its policy names', async () => {
  await apply(jobType, job(['exit', '65']));

  const status = await jobStatus('has failed', ({ conditions }) =>
    conditions.some(({ type }) => type === 'Failed'),
  );

  expect(status.conditions.at(-1)).toMatchObject({ status: 'True', reason: 'PodFailurePolicy' });
  expect(status).toMatchObject({ failed: 1 });
  expect(status).not.toHaveProperty('active');
  expect((await pods())[0]?.status?.containerStatuses?.[0]?.state.terminated?.message).toBe(
    'ended with 65',
  );
});

test('completes a Job and takes its pods away with it when it is deleted', async () => {
  await apply(jobType, job(['exit', '0']));
  const status = await jobStatus(
    'is complete',
    ({ completionTime }) => completionTime !== undefined,
  );
  expect(status).toMatchObject({ succeeded: 1 });
  expect(status).not.toHaveProperty('failed');

  await cluster.api.delete(jobType, load);

  await until('its pods are gone', async () => (await pods()).length === 0 || undefined);
});
