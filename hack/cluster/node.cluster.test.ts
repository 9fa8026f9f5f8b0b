/** A real node: what pods can rely on in it, and that nothing of it is left when it has ended. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, expect, it, vi } from 'vitest';

import { run } from '../backends/command.ts';
import { joinFiles, makeControlGroup } from '../backends/control-group.ts';
import { signalProcess, type ProcessIdentity } from '../backends/process-identity.ts';
import {
  readRecord,
  serverRoot,
  writeRecord,
  type RunningRecord,
} from '../backends/server-folder.ts';
import { endServer } from '../backends/server.ts';
import { findPrograms } from './assets.ts';
import { insidePid } from './namespaces.ts';
import { nodeName } from './network.ts';
import { startCluster, type Cluster } from './node.ts';
import { writeBusyboxImage } from './test/busybox-image.ts';
import { describeOnNode } from './test/node-suite.ts';
import { apply, containerStatus, execute, kubectl, pod } from './test/pods.ts';
import { scratch, type Scratch } from './test/scratch.ts';
import {
  hostState,
  livingProcesses,
  marksOf,
  namespacesOf,
  tracesOf,
  type Left,
} from './test/traces.ts';

/** A start takes four seconds, and ten times that where a dozen other programs want the processor. */
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const holder = fileURLToPath(new URL('test/holder.ts', import.meta.url));
const cliFile = fileURLToPath(new URL('main.ts', import.meta.url));
const patient = { timeout: 120_000, interval: 100 };

/** What to look for once it has ended. */
async function leftBy(root: string, record: RunningRecord): Promise<Left> {
  const started = record.processes.find(({ role }) => role === 'node');
  if (started === undefined || record.remnants === undefined) throw new Error('there is no node');
  const namespaces = await namespacesOf(await insidePid(started));
  const witnesses = await livingProcesses();
  const { remnants } = record;
  return { root, remnants, marks: await marksOf(remnants), namespaces, witnesses };
}

/** A web server that says where it is; ready when it answers, alive while its page is there. */
const web = pod('web', {
  script:
    'mkdir -p /tmp/www; echo page of $HOSTNAME > /tmp/www/index.html; echo serving; ' +
    'exec httpd -f -p 8080 -h /tmp/www',
  container: {
    readinessProbe: { httpGet: { path: '/', port: 8080 }, periodSeconds: 1 },
    livenessProbe: { httpGet: { path: '/', port: 8080 }, periodSeconds: 1, failureThreshold: 1 },
  },
});

const service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'site' },
  spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }] },
};

const token = { audience: 'millrace', expirationSeconds: 600, path: 'token' };
const withToken = pod('token', {
  script: 'exec sleep 3600',
  container: { volumeMounts: [{ name: 'token', mountPath: '/token' }] },
  spec: {
    volumes: [{ name: 'token', projected: { sources: [{ serviceAccountToken: token }] } }],
  },
});

const greedy = pod('greedy', {
  script: 'tail /dev/zero',
  container: { resources: { limits: { memory: '16Mi' } } },
  spec: { restartPolicy: 'Never' },
});

/** Writes a file on the host when it is asked to end, and only then ends. */
function draining(folder: string): unknown {
  return pod('draining', {
    script:
      'trap "sleep 1; echo drained > /state/end; exit 0" TERM; echo waiting > /state/begin; ' +
      'while :; do sleep 3600 & wait $!; done',
    container: { volumeMounts: [{ name: 'state', mountPath: '/state' }] },
    spec: {
      volumes: [{ name: 'state', hostPath: { path: folder, type: 'Directory' } }],
      terminationGracePeriodSeconds: 60,
    },
  });
}

describeOnNode('a node', () => {
  let place: Scratch;
  let cluster: Cluster;
  let before: unknown;

  beforeAll(async () => {
    place = await scratch();
    before = await hostState();
    const image = join(place.path, 'busybox.tar');
    const started = startCluster({
      tier: 'd',
      stateDir: join(place.path, 'state'),
      env: process.env,
      log: () => undefined,
    });
    [cluster] = await Promise.all([started, writeBusyboxImage(image)]);
    await cluster.loadImage(image);
    await apply(cluster, web, service, withToken, greedy, draining(place.path));
  });

  afterAll(async () => {
    await cluster.stop();
    await place[Symbol.asyncDispose]();
  });

  it('is ready, and runs a pod of a loaded image until its probe says that it is ready', async () => {
    const ready = ['wait', '--for=condition=Ready', '--timeout=100s'];
    await kubectl(cluster, [...ready, `node/${nodeName}`, 'pod/web', 'pod/token']);

    expect(await kubectl(cluster, ['logs', 'web'])).toBe('serving\n');
  });

  it('refuses an archive that is none, with its name', async () => {
    const file = join(place.path, 'none.tar');
    await writeFile(file, 'no archive');

    await expect(cluster.loadImage(file)).rejects.toThrow(`cannot load ${file}: ctr: `);
  });

  it('gives Services names in pods, and addresses that the host reaches too', async () => {
    const jsonpath = '--output=jsonpath={.spec.clusterIP}';
    const address = await kubectl(cluster, ['get', 'service', 'site', jsonpath]);

    const inPod = 'wget -q -O - http://site.default.svc.cluster.local/';
    await expect.poll(async () => execute(cluster, 'token', inPod), patient).toBe('page of web\n');
    expect(await (await fetch(`http://${address}/`)).text()).toBe('page of web\n');
  });

  it('lets pods reach the host at the address that it names, and the API server by its name', async () => {
    const server = createServer((request, response) =>
      response.end(`asked from ${request.socket.remoteAddress ?? ''}`),
    );
    server.listen(0, cluster.hostAddress);
    await once(server, 'listening');
    const bound = server.address();
    const port = typeof bound === 'object' ? bound?.port : undefined;
    const url = `http://${cluster.hostAddress}:${String(port)}/`;
    try {
      expect(await execute(cluster, 'token', `wget -q -O - ${url}`)).toBe(
        `asked from ${cluster.nodeAddress}`,
      );
    } finally {
      server.close();
    }
    const resolved = await execute(
      cluster,
      'token',
      'nslookup kubernetes.default.svc.cluster.local',
    );
    expect(resolved).toMatch(/Address: 10\.96\.\d+\.1\n/);
  });

  it('restarts a container whose probe says that it does not live', async () => {
    await execute(cluster, 'web', 'rm /tmp/www/index.html');

    await expect
      .poll(async () => containerStatus(cluster, 'web'), patient)
      .toMatchObject({ restartCount: 1, ready: true });
  });

  it('projects a token that names the pod and is good for its audience alone', async () => {
    const text = await execute(cluster, 'token', 'cat /token/token');
    const review = async (audience: string): Promise<unknown> => {
      const spec = { token: text, audiences: [audience] };
      const object = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec };
      const create = ['create', '--filename=-', '--output=json'];
      const answer = await kubectl(cluster, create, JSON.stringify(object));
      return (JSON.parse(answer) as { readonly status: unknown }).status;
    };

    expect(await review('millrace')).toMatchObject({
      authenticated: true,
      user: {
        username: 'system:serviceaccount:default:default',
        extra: { 'authentication.kubernetes.io/pod-name': ['token'] },
      },
    });
    expect(await review('somebody-else')).not.toHaveProperty('authenticated');
  });

  it('ends a container that takes more memory than its limit, and says so', async () => {
    await expect
      .poll(async () => (await containerStatus(cluster, 'greedy'))?.state.terminated, patient)
      .toMatchObject({ reason: 'OOMKilled', exitCode: 137 });
  });

  it('lets a container drain on SIGTERM, and shows its files on the host', async () => {
    const written = async (name: string): Promise<string> =>
      readFile(join(place.path, name), 'utf8').catch(() => 'nothing');
    await expect.poll(async () => written('begin'), patient).toBe('waiting\n');

    await kubectl(cluster, ['delete', 'pod', 'draining', '--timeout=100s']);

    expect(await written('end')).toBe('drained\n');
  });

  it('leaves no process, mount, namespace, control group, link or route when it ends', async () => {
    const root = serverRoot(join(place.path, 'state'), 'cluster');
    const left = await leftBy(root, cluster.record);
    expect(await tracesOf(left)).not.toHaveLength(0);

    await cluster.stop();

    expect(await tracesOf(left)).toEqual([]);
    expect(await hostState()).toEqual(before);
  });
});

async function killWatcher(stateDir: string): Promise<void> {
  // It says who it is some time after it was started.
  const read = async (): Promise<string> =>
    readFile(join(stateDir, 'watcher.json'), 'utf8').catch(() => '');
  const text = await vi.waitUntil(read, patient);
  signalProcess(JSON.parse(text) as ProcessIdentity, 'SIGKILL');
}

/** A program that starts a node and is killed when a few of its programs run. */
async function startAndKill(stateDir: string, isWatched: boolean): Promise<Left> {
  const root = serverRoot(stateDir, 'cluster');
  const child = spawn(process.execPath, [holder, stateDir, 'd'], { stdio: 'ignore' });
  const record = await vi.waitUntil(async () => {
    const found = await readRecord(root);
    return (found?.processes.length ?? 0) > 3 ? found : undefined;
  }, patient);
  const left = await leftBy(root, record);
  if (!isWatched) await killWatcher(stateDir);
  child.kill('SIGKILL');
  await once(child, 'exit');
  return left;
}

describeOnNode('the start of a node', () => {
  it('that was killed is ended by its watcher, and where that was killed too by `down`', async () => {
    await using place = await scratch();
    const unwatched = join(place.path, 'unwatched');
    const other = await startAndKill(unwatched, false);
    const left = await startAndKill(join(place.path, 'watched'), true);

    expect(left.remnants.controlGroup).not.toBe(other.remnants.controlGroup);
    await expect.poll(async () => tracesOf(left), patient).toEqual([]);
    expect(await tracesOf(other)).not.toEqual([]);
    await run(process.execPath, [cliFile, 'down', '--all', '--state', unwatched], {
      env: process.env,
    });
    expect(await tracesOf(other)).toEqual([]);
    expect(await readdir(unwatched)).not.toContain('cluster');
  });

  it('ends what is in its control group and was never recorded', async () => {
    await using place = await scratch();
    const controlGroup = `millrace-test-${String(process.pid)}`;
    await makeControlGroup(controlGroup);
    const joining = (await joinFiles(controlGroup)).map((file) => `echo $$ > ${file}`).join(' && ');
    const unrecorded = spawn('/bin/sh', ['-c', `${joining} && echo in && exec sleep 3600`]);
    unrecorded.stdout.setEncoding('utf8');
    const exited = once(unrecorded, 'exit');
    expect(await once(unrecorded.stdout, 'data')).toEqual(['in\n']);
    const installation = {
      origin: 'cache',
      version: '',
      place: '',
      programs: {},
      env: {},
    } as const;
    const remnants = { controlGroup, link: 'millrace-none' };
    await writeRecord(place.path, { installation, processes: [], remnants });

    await endServer(place.path);

    expect(await exited).toEqual([null, 'SIGKILL']);
    expect(await tracesOf({ remnants, namespaces: [], witnesses: [], root: place.path })).toEqual(
      [],
    );
  });

  it('fails at once when a program ends, with what it said, and leaves nothing', async () => {
    await using place = await scratch();
    const note = `cp ${place.path}/state/cluster/running.json ${place.path}/noted.json`;
    const quiet = { env: process.env, log: () => undefined, signal: new AbortController().signal };
    const real = await findPrograms('d', quiet);
    const assets = await place.assets(
      { kubelet: `${note}; echo "Error: the flag --none is unknown" >&2; exit 3` },
      real.place,
    );

    const started = startCluster({
      tier: 'd',
      stateDir: join(place.path, 'state'),
      env: { ...process.env, KUBEBUILDER_ASSETS: assets },
      log: () => undefined,
    });

    await expect(started).rejects.toThrow(
      'kubelet ended while the cluster started; its log ends with:\n' +
        'Error: the flag --none is unknown',
    );
    const noted = JSON.parse(
      await readFile(join(place.path, 'noted.json'), 'utf8'),
    ) as RunningRecord;
    if (noted.remnants === undefined) throw new Error('the record names no remnants');
    const left = {
      root: join(place.path, 'state'),
      remnants: noted.remnants,
      namespaces: [],
      witnesses: [],
    };
    expect(await tracesOf(left)).toEqual([]);
  });
});
