import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '@millrace/kit/clock';
import { createMemoryApi, type MemoryApi } from '@millrace/operator/memory/memory-api';
import { identify, isAlive } from '../../backends/process-identity.ts';
import { claimObject } from '../claims.ts';
import { podFinalizer } from '../controllers/pod-from-template.ts';
import {
  asPod,
  claimType,
  configMapType,
  isReady,
  podType,
  secretType,
  type Container,
  type Pod,
  type PodSpec,
} from '../controllers/workload.ts';
import { until } from '../test/until.ts';
import { portAllocator } from './free-port.ts';
import { hostEnvironment, withLocalPorts } from './local-container.ts';
import { endOrphans } from './orphans.ts';
import { startProcess } from './process.ts';
import { Supervisor } from './supervisor.ts';

const program = [fileURLToPath(new URL('../test/stub-pod.ts', import.meta.url))];
const freePort = portAllocator();
let stateDir: string;
let api: MemoryApi;
let stop: AbortController;
let supervisor: Supervisor;
let claims: Map<string, string>;

beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'millrace-supervisor-'));
  api = createMemoryApi({ now: () => Date.now(), newUid: () => randomUUID() });
  stop = new AbortController();
  claims = new Map();
  supervisor = new Supervisor({
    api,
    clock: systemClock,
    stateDir,
    program,
    cwd: stateDir,
    env: hostEnvironment({ ...process.env, MILLRACE_POSTGRES_URL: 'leaked', PGHOST: 'leaked' }),
    claims,
    signal: stop.signal,
    onError: (error) => {
      throw error;
    },
  });
});

afterEach(async () => {
  stop.abort();
  await supervisor.close();
  await rm(stateDir, { recursive: true, force: true });
});

const probe = {
  httpGet: { path: '/readyz', port: 'admin' },
  periodSeconds: 0.1,
  failureThreshold: 2,
};

function container(args: readonly string[], more: Partial<Container> = {}): Container {
  return {
    name: 'main',
    args,
    ports: [{ name: 'admin', containerPort: 9_090 }],
    env: [
      { name: 'MILLRACE_BIND_ADMIN_PORT', value: '9090' },
      { name: 'MILLRACE_BIND_ADMIN_HOST', value: '0.0.0.0' },
      { name: 'MILLRACE_TERMINATION_LOG', value: '/dev/termination-log' },
    ],
    readinessProbe: probe,
    ...more,
  };
}

async function create(
  name: string,
  spec: Omit<PodSpec, 'containers'>,
  main: Container,
): Promise<Pod> {
  const draft = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', finalizers: [podFinalizer] },
    spec: { ...spec, containers: [{ ...main, image: 'stub' }] },
  };
  return asPod(await api.create(podType, await withLocalPorts(draft, freePort)));
}

async function get(pod: Pod): Promise<Pod | undefined> {
  const found = await api.get(podType, pod.metadata);
  return found === undefined ? undefined : asPod(found);
}

/** The pod once it is as described. */
async function pass(pod: Pod, what: string, holds: (now: Pod) => boolean): Promise<Pod> {
  return until(`pod ${pod.metadata.name} ${what}`, async () => {
    const now = await get(pod);
    return now !== undefined && holds(now) ? now : undefined;
  });
}

function pidOf(pod: Pod): number {
  return supervisor.pids.get(pod.metadata.name) ?? 0;
}

function terminatedOf(pod: Pod) {
  return pod.status?.containerStatuses?.[0]?.state.terminated;
}

function adminUrl(pod: Pod, path: string): string {
  return `http://127.0.0.1:${String(pod.spec.containers[0]?.ports?.[0]?.containerPort)}${path}`;
}

test('runs a pod until it is deleted, and lets its object go only after its process', async () => {
  const pod = await pass(await create('web', {}, container(['serve', '300'])), 'is ready', isReady);
  const process_ = identify(pidOf(pod));
  expect(pod.status).toMatchObject({ phase: 'Running', podIP: '127.0.0.1' });

  await api.delete(podType, pod.metadata);
  await until('the pod object is gone', async () => (await get(pod)) === undefined || undefined);

  expect(process_ !== undefined && isAlive(process_)).toBe(false);
  expect(await readdir(join(stateDir, 'run'))).toEqual([]);
});

test('reports exit code and last words of a container that is not restarted', async () => {
  const failed = await create('bad-input', { restartPolicy: 'Never' }, container(['exit', '65']));
  const done = await create('done', { restartPolicy: 'Never' }, container(['exit', '0']));

  const failedEnd = await pass(failed, 'has failed', (now) => now.status?.phase === 'Failed');
  const doneEnd = await pass(done, 'has succeeded', (now) => now.status?.phase === 'Succeeded');

  expect(terminatedOf(failedEnd)).toMatchObject({
    exitCode: 65,
    reason: 'Error',
    message: 'ended with 65',
  });
  expect(terminatedOf(doneEnd)).toMatchObject({ exitCode: 0, reason: 'Completed' });
});

test('starts a crashed container again after a back-off and counts it', async () => {
  const flag = join(stateDir, 'works-now');
  const pod = await create('flaky', {}, container(['flaky', flag]));
  const waiting = await pass(
    pod,
    'backs off',
    (now) => now.status?.containerStatuses?.[0]?.state.waiting?.reason === 'CrashLoopBackOff',
  );
  expect(waiting.status?.phase).toBe('Running');

  await writeFile(flag, '');
  const ready = await pass(pod, 'is ready', isReady);

  const status = ready.status?.containerStatuses?.[0];
  expect(status?.restartCount).toBeGreaterThanOrEqual(1);
  expect(status?.lastState?.terminated?.exitCode).toBe(1);
});

test('reports a kill -9 as 137 and starts the container again', async () => {
  const pod = await pass(await create('killed', {}, container(['serve'])), 'is ready', isReady);

  process.kill(pidOf(pod), 'SIGKILL');
  const again = await pass(
    pod,
    'is ready again',
    (now) => isReady(now) && now.status?.containerStatuses?.[0]?.restartCount === 1,
  );

  expect(again.status?.containerStatuses?.[0]?.lastState?.terminated).toMatchObject({
    exitCode: 137,
    signal: 9,
  });
});

test('kills a container that ignores SIGTERM once its grace period is over', async () => {
  const spec = { terminationGracePeriodSeconds: 0.3 };
  const pod = await pass(await create('deaf', spec, container(['stubborn'])), 'is ready', isReady);
  const identity = identify(pidOf(pod));

  await api.delete(podType, pod.metadata);
  await until('the pod object is gone', async () => (await get(pod)) === undefined || undefined);

  expect(identity !== undefined && isAlive(identity)).toBe(false);
});

test('takes readiness away when the probe fails, and restarts on failed liveness', async () => {
  const broken = join(stateDir, 'broken');
  const env = [...(container([]).env ?? []), { name: 'BROKEN_FILE', value: broken }];
  const unready = await create('unready', {}, container(['serve'], { env }));
  const dying = await create('dying', {}, container(['serve'], { env, livenessProbe: probe }));
  await pass(unready, 'is ready', isReady);
  await pass(dying, 'is ready', isReady);

  await writeFile(broken, '');

  await pass(unready, 'is not ready', (now) => !isReady(now));
  await pass(
    dying,
    'was restarted',
    (now) => (now.status?.containerStatuses?.[0]?.restartCount ?? 0) > 0,
  );
  expect((await get(unready))?.status?.containerStatuses?.[0]?.restartCount).toBe(0);
});

test('gives the container local paths and ports, and nothing of our own environment', async () => {
  await api.create(configMapType, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'config', namespace: 'default' },
    data: { 'config.json': '{"v": 1}' },
  });
  await api.create(secretType, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'backends', namespace: 'default' },
    stringData: { POSTGRES_URL: 'postgres://first' },
  });
  const files = join(stateDir, 'files');
  await mkdir(files);
  claims.set('data', files);
  await api.create(claimType, claimObject('data', 'default'));
  const env = [
    ...(container([]).env ?? []),
    { name: 'MILLRACE_CONFIG', value: '/etc/millrace/config.json' },
    { name: 'MILLRACE_BACKENDS_DIR', value: '/etc/millrace/backends' },
    { name: 'MILLRACE_SOURCE_VOLUME_MOUNT_PATH', value: '/var/lib/millrace/source' },
  ];
  const volumes = [
    { name: 'config', configMap: { name: 'config' } },
    { name: 'backends', secret: { secretName: 'backends' } },
    { name: 'source', persistentVolumeClaim: { claimName: 'data' } },
  ];
  const volumeMounts = [
    { name: 'config', mountPath: '/etc/millrace' },
    { name: 'backends', mountPath: '/etc/millrace/backends' },
    { name: 'source', mountPath: '/var/lib/millrace/source' },
  ];
  const pod = await create('mounted', { volumes }, container(['serve'], { env, volumeMounts }));
  await pass(pod, 'is ready', isReady);

  const seen = (await (await fetch(adminUrl(pod, '/env'))).json()) as Record<string, string>;
  const secretFile = join(seen['MILLRACE_BACKENDS_DIR'] ?? '', 'POSTGRES_URL');

  expect(await readFile(seen['MILLRACE_CONFIG'] ?? '', 'utf8')).toBe('{"v": 1}');
  expect(await readFile(secretFile, 'utf8')).toBe('postgres://first');
  expect((await stat(secretFile)).mode & 0o777).toBe(0o600);
  expect(seen['MILLRACE_SOURCE_VOLUME_MOUNT_PATH']).toBe(files);
  expect(seen['MILLRACE_BIND_ADMIN_HOST']).toBe('127.0.0.1');
  expect(Object.keys(seen).filter((name) => /POSTGRES|^PG/.test(name))).toEqual([]);

  await api.patch(
    secretType,
    { namespace: 'default', name: 'backends' },
    {
      stringData: { POSTGRES_URL: 'postgres://rotated' },
    },
  );
  await until('the rotated Secret is in the file', async () =>
    (await readFile(secretFile, 'utf8')) === 'postgres://rotated' ? true : undefined,
  );
});

test('waits for what is not there yet, says so, and names the flag for a claim', async () => {
  const volumes = [
    { name: 'config', configMap: { name: 'late' } },
    { name: 'source', persistentVolumeClaim: { claimName: 'files' } },
  ];
  const pod = await create('waiting', { volumes }, container(['serve']));
  const first = await pass(pod, 'waits', (now) => now.status?.phase === 'Pending');
  expect(first.status?.message).toBe('ConfigMap late does not exist yet.');

  await api.create(configMapType, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'late', namespace: 'default' },
    data: {},
  });
  const second = await pass(
    pod,
    'waits for the claim',
    (now) => now.status?.message?.includes('claim') ?? false,
  );

  expect(second.status?.message).toContain('--volume files=FOLDER');
});

test('ends every process on drain and writes no status for it', async () => {
  const pod = await pass(await create('web', {}, container(['serve'])), 'is ready', isReady);
  const identity = identify(pidOf(pod));

  await supervisor.drain('the test ends');

  expect(identity !== undefined && isAlive(identity)).toBe(false);
  expect((await get(pod))?.status?.phase).toBe('Running');
});

test('ends what an earlier run left behind, and only that', async () => {
  const recordFile = join(stateDir, 'run', 'orphan', 'process.json');
  await mkdir(join(stateDir, 'run', 'orphan'), { recursive: true });
  const orphan = await startProcess({
    program,
    command: { args: ['serve'], env: hostEnvironment(process.env) },
    cwd: stateDir,
    logFile: join(stateDir, 'pods', 'orphan.log'),
    recordFile,
  });
  await until('the process is recorded', () => existsSync(recordFile) || undefined);

  const count = await endOrphans(stateDir);
  await orphan.exited;

  expect(count).toBe(1);
  expect(await endOrphans(stateDir)).toBe(0);
});

test('a process ends by itself when its parent is killed', async () => {
  const maker = fileURLToPath(new URL('../test/orphan-maker.ts', import.meta.url));
  const parent = spawn(process.execPath, [maker, stateDir, ...program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(parent.stdout, 'data')) as [Buffer];
  const identity = identify(Number(line.toString()));
  expect(identity).toBeDefined();

  parent.kill('SIGKILL');

  // Well before the bound at which it would kill itself.
  await until(
    'the child is gone',
    () => (identity !== undefined && !isAlive(identity)) || undefined,
    5_000,
  );
});
