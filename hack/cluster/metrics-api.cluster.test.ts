/**
 * The metrics API behind the aggregator of a real API server, on a server of its own: the APIService
 * is one for the whole cluster, and other suites would scale by it. Each instance runs in this process
 * with exactly the rights of operator/deploy/metrics-api.yaml. There is no node: a Service that is an
 * external name leads the API server to a port of this host.
 */
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { connect } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { systemClock } from '@millrace/kit/clock';
import { createMetrics } from '@millrace/kit/metrics';
import { loadConnection } from '@millrace/operator/kube/connection';
import { createHttpApi, type HttpKubeApi } from '@millrace/operator/kube/http-api';
import type { KubeObject, ResourceType } from '@millrace/operator/machinery/kube-api';
import { apiServiceName, apiServiceType } from '@millrace/operator/metrics-api/api-service';
import { parseArguments } from '@millrace/operator/metrics-api/arguments';
import { bundleOf, dataOf } from '@millrace/operator/metrics-api/certificates/bundle';
import { issue } from '@millrace/operator/metrics-api/certificates/issue';
import { secretType } from '@millrace/operator/metrics-api/certificates/keeper';
import { readConfig } from '@millrace/operator/metrics-api/config';
import { run as runMetricsApi } from '@millrace/operator/metrics-api/run';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { capturedLog } from '../../operator/test/captured-log.ts';
import { readExposition } from '../../operator/test/exposition.ts';
import { importNamed } from '../../operator/test/import-namespace.ts';
import { until } from '../../operator/test/operator-process.ts';
import { describeOnCluster, givenCluster } from '../../operator/test/real-cluster.ts';
import { rightsOf, type Rule } from '../../operator/test/rights.ts';
import { run } from '../backends/command.ts';
import { startControlPlane, type ControlPlane } from './control-plane.ts';
import { crdManifests, kubectlEnvironment } from './manifests.ts';
import { scratch, type Scratch } from './test/scratch.ts';
import { authority, leaf } from './x509.ts';

const rightsFile = fileURLToPath(
  new URL('../../operator/deploy/metrics-api.yaml', import.meta.url),
);
const system = 'millrace-system';
const name = 'millrace-metrics-api';
const secret = { namespace: system, name: `${name}-tls` };
const apiService = { namespace: '', name: apiServiceName };

const deployments: ResourceType = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  plural: 'deployments',
};
const autoscalers: ResourceType = {
  apiVersion: 'autoscaling/v2',
  kind: 'HorizontalPodAutoscaler',
  plural: 'horizontalpodautoscalers',
};
const services: ResourceType = { apiVersion: 'v1', kind: 'Service', plural: 'services' };

// A control plane starts, and an autoscaler looks once a second, on a host that does much else.
vi.setConfig({ testTimeout: 90_000, hookTimeout: 120_000 });

interface Server {
  readonly place: Scratch;
  readonly plane: ControlPlane;
  readonly api: HttpKubeApi;
  /** Where instances serve and the APIService leads. */
  readonly port: number;
}

async function startServer(): Promise<Server> {
  const place = await scratch();
  const plane = await startControlPlane({
    tier: 'b',
    stateDir: place.path,
    manifests: await crdManifests(),
    env: { ...process.env, KUBEBUILDER_ASSETS: dirname(givenCluster().kubectl) },
    log: () => undefined,
  });
  const connection = await loadConnection({ kubeconfig: plane.kubeconfig, env: {} });
  const api = createHttpApi({ connection, clock: systemClock });
  return { place, plane, api, port: await freePort() };
}

async function freePort(): Promise<number> {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const { port } = taken.address() as AddressInfo;
  await new Promise((resolve) => taken.close(resolve));
  return port;
}

async function kubectl({ plane }: Server, ...args: readonly string[]): Promise<string> {
  const text = await run(plane.kubectl, args, { env: kubectlEnvironment(plane.kubeconfig) });
  return text.trim();
}

async function tokenOf(server: Server, account: string): Promise<string> {
  return await kubectl(server, 'create', 'token', account, '--namespace', system);
}

/** An instance in this process, until it is disposed of. */
async function metricsApi(server: Server, port = server.port) {
  const { plane } = server;
  const place = ['--service', name, '--namespace', system, '--service-port', `${server.port}`];
  const address = ['--host', '127.0.0.1', '--port', `${port}`];
  const admin = ['--admin-host', '127.0.0.1', '--admin-port', '0'];
  const given = parseArguments([...place, ...address, ...admin]);
  if (given === undefined) throw new Error('the arguments ask for help');
  const config = readConfig(given, { MILLRACE_DRAIN_DELAY_MS: '0' });
  const connection = {
    server: plane.server,
    namespace: 'default',
    tls: { ca: { file: plane.caFile } },
    credentials: { type: 'token', token: { text: await tokenOf(server, name) } },
  } as const;
  const stop = new AbortController();
  const metrics = createMetrics({});
  const { log, lines } = capturedLog('info');
  const ended = runMetricsApi(
    { config, connection, clock: systemClock, log, metrics },
    stop.signal,
  );
  const line = async (msg: string) =>
    await until(
      () => lines().find((each) => each['msg'] === msg),
      () => `"${msg}" in ${JSON.stringify(lines())}`,
    );
  return {
    lines,
    line,
    ready: async () => {
      const { port: adminPort } = await line('admin port open');
      const response = await fetch(`http://127.0.0.1:${Number(adminPort)}/readyz`);
      const body = await response.text();
      return { status: response.status, body };
    },
    /** `verb resource` of each call, with the codes it had. */
    calls: async () => {
      const text = await metrics.metrics();
      const samples = readExposition(text).get('millrace_operator_api_calls_total')?.samples ?? [];
      return samples.map(({ labels }) => ({
        call: `${labels.get('verb')} ${labels.get('resource')}`,
        code: labels.get('code'),
      }));
    },
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      expect(await ended).toBe(0);
    },
  };
}

interface Asked {
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly client?: { readonly certificatePem: string; readonly keyPem: string };
}

/** A request to the instance itself, past the API server. */
async function ask({ port }: Server, { path, headers = {}, client }: Asked) {
  const pair = client === undefined ? {} : { cert: client.certificatePem, key: client.keyPem };
  return await new Promise<{ readonly code: number; readonly body: string }>((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path, headers, ...pair, rejectUnauthorized: false };
    const sent = request({ ...options, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => (body += text));
      response.on('end', () => resolve({ code: response.statusCode ?? 0, body }));
    });
    sent.on('error', reject).end();
  });
}

/** The certificate that a new connection gets; fails for one that these authorities did not sign. */
async function servedTo({ port }: Server, ca: string): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, ca, servername: `${name}.${system}.svc` });
  try {
    await once(socket, 'secureConnect');
    const { raw } = socket.getPeerCertificate();
    return `${new X509Certificate(raw).toString()}`;
  } finally {
    socket.destroy();
  }
}

async function needs(server: Server, namespace: string, needed: string): Promise<void> {
  const at = '2030-01-02T03:04:05Z';
  const scaling = { driver: 'HPA', needed, at, why: 'tested' };
  const patch = JSON.stringify({ status: { scaling } });
  const which = ['csvimport', 'users', '--namespace', namespace, '--subresource=status'];
  await kubectl(server, 'patch', ...which, '--type=merge', '--patch', patch);
}

function valuePath(namespace: string): string {
  const selector = encodeURIComponent('millrace.dev/kind=CsvImport,millrace.dev/name=users');
  return `/apis/external.metrics.k8s.io/v1beta1/namespaces/${namespace}/millrace-workers-needed?labelSelector=${selector}`;
}

/** What the API server answers, with what comes from behind it; undefined while that is an error. */
async function valueBehind(server: Server, namespace: string): Promise<unknown> {
  try {
    return JSON.parse(await kubectl(server, 'get', '--raw', valuePath(namespace))) as unknown;
  } catch {
    return undefined;
  }
}

function scaled(namespace: string): readonly [deployment: KubeObject, autoscaler: KubeObject] {
  const metadata = { name: 'users-worker', namespace };
  const labels = { app: 'users-worker' };
  const template = { metadata: { labels }, spec: { containers: [{ name: 'a', image: 'none' }] } };
  const selector = {
    matchLabels: { 'millrace.dev/kind': 'CsvImport', 'millrace.dev/name': 'users' },
  };
  const external = {
    metric: { name: 'millrace-workers-needed', selector },
    target: { type: 'AverageValue', averageValue: '1' },
  };
  const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: metadata.name };
  const metrics = [{ type: 'External', external }];
  return [
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata,
      spec: { replicas: 1, selector: { matchLabels: labels }, template },
    },
    {
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata,
      spec: { scaleTargetRef, minReplicas: 1, maxReplicas: 10, metrics },
    },
  ];
}

describeOnCluster('the metrics API behind a real API server', () => {
  let server: Server;

  beforeAll(async () => {
    server = await startServer();
    for (const namespace of [system, 'team-a']) {
      await kubectl(server, 'create', 'namespace', namespace);
    }
    await kubectl(server, 'apply', '--filename', rightsFile);
    await server.api.create(services, {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace: system },
      spec: { type: 'ExternalName', externalName: 'localhost' },
    });
    await importNamed('users', { api: server.api, namespace: 'team-a' });
    await needs(server, 'team-a', '1000m');
  });

  afterAll(async () => {
    await server.api.close();
    await server.plane.stop();
    await server.place[Symbol.asyncDispose]();
  });

  const replicas = async () => {
    const ref = { namespace: 'team-a', name: 'users-worker' };
    const deployment = await server.api.get(deployments, ref);
    return (deployment?.['spec'] as { readonly replicas?: number } | undefined)?.replicas;
  };

  const scalingActive = async () => {
    const ref = { namespace: 'team-a', name: 'users-worker' };
    const autoscaler = await server.api.get(autoscalers, ref);
    const { conditions = [] } = (autoscaler?.['status'] ?? {}) as {
      readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    };
    return conditions.find(({ type }) => type === 'ScalingActive')?.status;
  };

  const caBundle = async () => {
    const held = await server.api.get(apiServiceType, apiService);
    return (held?.['spec'] as { readonly caBundle?: string } | undefined)?.caBundle;
  };

  const soon = { timeout: 30_000, interval: 200 };

  it('leads an autoscaler from 1 to 4 and back, and nowhere while it is away', async () => {
    const [deployment, autoscaler] = scaled('team-a');
    await server.api.create(deployments, deployment);
    await server.api.create(autoscalers, autoscaler);
    {
      await using _first = await metricsApi(server);
      await needs(server, 'team-a', '4000m');
      await expect.poll(replicas, soon).toBe(4);
    }
    await needs(server, 'team-a', '1000m');
    await expect.poll(scalingActive, soon).toBe('False');
    expect(await replicas()).toBe(4);

    await using _second = await metricsApi(server);

    await expect.poll(replicas, soon).toBe(1);
    expect(await scalingActive()).toBe('True');
    expect(await valueBehind(server, 'team-a')).toMatchObject({
      kind: 'ExternalMetricValueList',
      items: [{ value: '1000m', timestamp: '2030-01-02T03:04:05Z' }],
    });
  });

  it('believes no name of a user that comes without the certificate of the front proxy', async () => {
    await using instance = await metricsApi(server);
    await instance.line('serving external metrics');
    await expect.poll(async () => (await instance.ready()).status, soon).toBe(200);
    const headers = { 'x-remote-user': 'admin', 'x-remote-group': 'system:masters' };
    const path = valuePath('team-a');
    const pki = (file: string) => readFile(join(dirname(server.plane.caFile), file), 'utf8');
    const subject = { commonName: 'front-proxy-client' };
    const forged = leaf(authority('front-proxy'), { subject, usage: 'client' });
    const genuine = {
      certificatePem: await pki('front-proxy-client.crt'),
      keyPem: await pki('front-proxy-client.key'),
    };

    expect(await ask(server, { path, headers })).toMatchObject({ code: 401 });
    expect(await ask(server, { path, headers, client: forged })).toMatchObject({ code: 401 });
    expect(await ask(server, { path, client: genuine })).toMatchObject({ code: 401 });
    expect(await ask(server, { path, headers, client: genuine })).toMatchObject({ code: 200 });
  });

  it('answers a token by its rights: a reader with the value, another with 403, a made-up one with 401', async () => {
    await using instance = await metricsApi(server);
    await instance.line('serving external metrics');
    await expect.poll(async () => (await instance.ready()).status, soon).toBe(200);
    await kubectl(server, 'create', 'serviceaccount', 'keda', '--namespace', system);
    const bind = ['--clusterrole=millrace-metrics-reader', `--serviceaccount=${system}:keda`];
    await kubectl(server, 'create', 'rolebinding', 'keda', '--namespace', 'team-a', ...bind);
    const bearer = async (account: string, path: string) =>
      await ask(server, {
        path,
        headers: { authorization: `Bearer ${await tokenOf(server, account)}` },
      });
    const path = '/scaling/namespaces/team-a/csvimports/users';

    const value = await bearer('keda', path);
    expect(value.code).toBe(200);
    expect(JSON.parse(value.body)).toEqual({ needed: 1, at: '2030-01-02T03:04:05Z' });
    expect((await bearer('keda', valuePath('team-a'))).code).toBe(200);
    expect((await bearer('keda', path.replace('users', 'other'))).code).toBe(404);
    expect((await bearer('keda', path.replace('team-a', 'default'))).code).toBe(403);
    expect((await bearer('default', path)).code).toBe(403);
    const madeUp = await ask(server, { path, headers: { authorization: 'Bearer made-up' } });
    expect(madeUp.code).toBe(401);
  });

  it('has one Secret for two that start at once, and repairs it for both', async () => {
    await server.api.delete(secretType, secret);
    await using one = await metricsApi(server);
    await using two = await metricsApi(server, await freePort());
    for (const each of [one, two]) await each.line('serving external metrics');
    await expect.poll(() => valueBehind(server, 'team-a'), soon).toBeDefined();
    const made = await server.api.get(secretType, secret);

    const data = { 'tls.key': Buffer.from('broken').toString('base64') };
    await server.api.patch(secretType, secret, { data });

    const served = (instance: typeof one) =>
      instance.lines().filter(({ msg }) => msg === 'certificate served').length;
    await expect.poll(() => [served(one), served(two)], soon).toEqual([2, 2]);
    const repaired = await server.api.get(secretType, secret);
    expect(repaired?.metadata.uid).toBe(made?.metadata.uid);
    await expect.poll(() => valueBehind(server, 'team-a'), soon).toBeDefined();
  });

  it('changes to an announced certificate without an answer that fails, and its clients know it', async () => {
    await using _instance = await metricsApi(server);
    await expect.poll(() => valueBehind(server, 'team-a'), soon).toBeDefined();
    const held = await server.api.get(secretType, secret);
    const bundle = held === undefined ? undefined : bundleOf(held);
    if (bundle === undefined) throw new Error('there is no bundle');
    const names = [`${name}.${system}.svc`, `${name}.${system}.svc.cluster.local`];
    const more = { names: [...names, `${name}.${system}`, name], lifeMs: 86_400_000 };
    const issued = await issue({ ...more, now: Date.now() });
    const next = { issued, from: Date.now() + 3_000 };

    await server.api.patch(secretType, secret, { data: dataOf({ ...bundle, next }) });

    const seen = new Set<string>();
    while (!seen.has(issued.certificate)) {
      expect(await valueBehind(server, 'team-a')).toBeDefined();
      const ca = Buffer.from((await caBundle()) ?? '', 'base64').toString('utf8');
      seen.add(await servedTo(server, ca));
    }
    expect([...seen]).toEqual([bundle.current.certificate, issued.certificate]);
  });

  it('leaves the APIService of somebody else alone, says so, and takes its place when it is gone', async () => {
    await server.api.delete(apiServiceType, apiService);
    const metadata = { name: apiServiceName, namespace: '', labels: { of: 'keda' } };
    const spec = {
      group: 'external.metrics.k8s.io',
      version: 'v1beta1',
      groupPriorityMinimum: 100,
      versionPriority: 100,
      insecureSkipTLSVerify: true,
      service: { namespace: 'keda', name: 'keda-operator-metrics-apiserver', port: 443 },
    };
    const kind = { apiVersion: apiServiceType.apiVersion, kind: apiServiceType.kind };
    const foreign = await server.api.create(apiServiceType, { ...kind, metadata, spec });
    await using instance = await metricsApi(server);

    const line = await instance.line('registration of external metrics');
    expect(line).toMatchObject({ level: 'warn', state: 'taken' });
    const { status, body } = await instance.ready();
    expect(status).toBe(200);
    expect(body).toContain('ExternalMetricsTaken');
    const held = await server.api.get(apiServiceType, apiService);
    expect(held?.['spec']).toEqual(foreign['spec']);
    expect(held?.metadata.labels).toEqual({ of: 'keda' });

    await server.api.delete(apiServiceType, apiService);
    await expect.poll(() => valueBehind(server, 'team-a'), soon).toBeDefined();
  });

  it('needs each of its rights and no other', async () => {
    await server.api.delete(apiServiceType, apiService);
    await server.api.delete(secretType, secret);
    await using instance = await metricsApi(server);
    await expect.poll(() => valueBehind(server, 'team-a'), soon).toBeDefined();
    const data = { 'tls.crt': Buffer.from('broken').toString('base64') };
    await server.api.patch(secretType, secret, { data });
    const before = await caBundle();
    await expect.poll(caBundle, soon).not.toBe(before);
    const path = '/scaling/namespaces/team-a/csvimports/users';
    await ask(server, { path, headers: { authorization: 'Bearer made-up' } });

    const calls = await instance.calls();
    expect(calls.filter(({ code }) => code === '403')).toEqual([]);
    const documents = parseAllDocuments(await readFile(rightsFile, 'utf8'));
    const granted = documents
      .map((document) => document.toJS() as { metadata: { name: string }; rules?: Rule[] })
      .filter(({ metadata }) => metadata.name !== 'millrace-metrics-reader')
      .flatMap(({ rules = [] }) => rightsOf(rules))
      .map((right) => right.replace(/ .*\//, ' '));
    // By the roles of Kubernetes that are bound besides.
    const bound = [
      'list configmaps',
      'watch configmaps',
      'create tokenreviews',
      'create subjectaccessreviews',
    ];
    const used = new Set(calls.map(({ call }) => call));
    expect([...used].toSorted()).toEqual([...new Set([...granted, ...bound])].toSorted());
  });
});
