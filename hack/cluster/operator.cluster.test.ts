/**
 * The operator on a server of its own, where it may see everything: started before its definitions
 * are there, and with exactly the rights of operator/deploy. The server is of tier A: children are
 * made and nobody acts on them.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '@millrace/kit/clock';
import { createMetrics } from '@millrace/kit/metrics';
import { parseArguments } from '@millrace/operator/arguments';
import { readConfig } from '@millrace/operator/config';
import { loadConnection } from '@millrace/operator/kube/connection';
import { createHttpApi, type HttpKubeApi } from '@millrace/operator/kube/http-api';
import { run as runOperator } from '@millrace/operator/run';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { capturedLog } from '../../operator/test/captured-log.ts';
import { readExposition } from '../../operator/test/exposition.ts';
import { childrenOf, importNamed, prerequisites } from '../../operator/test/import-namespace.ts';
import { operatorProcess, until } from '../../operator/test/operator-process.ts';
import { pipelineChildrenOf, pipelineNamed } from '../../operator/test/pipeline-namespace.ts';
import { describeOnCluster, givenCluster } from '../../operator/test/real-cluster.ts';
import { run } from '../backends/command.ts';
import { signalProcess } from '../backends/process-identity.ts';
import { startControlPlane, type ControlPlane } from './control-plane.ts';
import { crdManifests, installManifests, kubectlEnvironment } from './manifests.ts';
import { scratch, type Scratch } from './test/scratch.ts';

const deployFolder = fileURLToPath(new URL('../../operator/deploy/', import.meta.url));
const image = ['--runtime-image', 'millrace-runtimes:test'];

// A control plane starts, and operators wait for Leases, on a host that does much else.
vi.setConfig({ testTimeout: 90_000 });

interface Server {
  readonly place: Scratch;
  readonly plane: ControlPlane;
  readonly api: HttpKubeApi;
}

async function startServer(): Promise<Server> {
  const place = await scratch();
  const plane = await startControlPlane({
    tier: 'a',
    stateDir: place.path,
    env: { ...process.env, KUBEBUILDER_ASSETS: dirname(givenCluster().kubectl) },
    log: () => undefined,
  });
  const connection = await loadConnection({ kubeconfig: plane.kubeconfig, env: {} });
  return { place, plane, api: createHttpApi({ connection, clock: systemClock }) };
}

async function kubectl({ plane }: Server, ...args: readonly string[]): Promise<string> {
  return await run(plane.kubectl, args, { env: kubectlEnvironment(plane.kubeconfig) });
}

/** A kubeconfig with a token in place of the administrator's certificate. */
async function kubeconfigWith({ place, plane }: Server, token: string): Promise<string> {
  const path = join(place.path, `kubeconfig-${token.slice(-8)}`);
  const cluster = { server: plane.server, 'certificate-authority': plane.caFile };
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster }],
    users: [{ name: 'u', user: { token } }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u', namespace: 'millrace-system' } }],
    'current-context': 'x',
  };
  await writeFile(path, JSON.stringify(config));
  return path;
}

/** The operator in this process, until it is disposed of. */
async function operatorIn(server: Server, ...args: readonly string[]) {
  const token = await kubectl(server, 'create', 'token', 'millrace-operator', ...inSystem);
  const kubeconfig = await kubeconfigWith(server, token.trim());
  const given = parseArguments([...image, '--admin-port', '0', ...args]);
  if (given === undefined) throw new Error('the arguments ask for help');
  const config = readConfig(given, {});
  const stop = new AbortController();
  const metrics = createMetrics({});
  const { log, lines } = capturedLog('debug');
  const connection = await loadConnection({ kubeconfig, env: {} });
  const ended = runOperator({ config, connection, clock: systemClock, log, metrics }, stop.signal);
  const refused = async (): Promise<readonly string[]> => {
    const calls = readExposition(await metrics.metrics()).get('millrace_operator_api_calls_total');
    return (calls?.samples ?? [])
      .filter(({ labels }) => labels.get('code') === '403')
      .map(({ labels }) => `${labels.get('verb')} ${labels.get('resource')}`);
  };
  return {
    lines,
    refused,
    ended,
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await ended;
    },
  };
}

const inSystem = ['--namespace', 'millrace-system'];

describeOnCluster('the operator on a server of its own', () => {
  let server: Server;

  beforeAll(async () => {
    server = await startServer();
    for (const namespace of ['millrace-system', 'team-a', 'team-b', 'team-c']) {
      await kubectl(server, 'create', 'namespace', namespace);
    }
    await kubectl(server, 'apply', ...inSystem, '--filename', `${deployFolder}account.yaml`);
  });

  afterAll(async () => {
    await server.api.close();
    await server.plane.stop();
    await server.place[Symbol.asyncDispose]();
  });

  async function grant(namespace: string): Promise<void> {
    const file = `${deployFolder}rbac-namespaced.yaml`;
    await kubectl(server, 'apply', '--namespace', namespace, '--filename', file);
  }

  /** One resource of each kind; how many children they have. */
  async function resourcesIn(namespace: string): Promise<readonly number[]> {
    const place = { api: server.api, namespace };
    await prerequisites(place);
    await importNamed('users', place);
    await pipelineNamed('views', place);
    const children = [await childrenOf('users', place), await pipelineChildrenOf('views', place)];
    return children.map(({ length }) => length);
  }

  it('waits for its definitions with the command that installs them, and goes on by itself', async () => {
    const { plane } = server;
    const flags = ['--kubeconfig', plane.kubeconfig, ...image, '--no-leader-election'];
    await using operator = operatorProcess(flags);
    const line = await operator.line('waiting');

    const before = await operator.ask('/readyz');
    await installManifests({ ...plane, manifests: await crdManifests() });
    await operator.line('leading');

    expect(line['why']).toContain('kubectl apply -f crds/csv-import.yaml');
    expect(before).toMatchObject({ status: 503, body: expect.stringContaining('kubectl apply') });
    expect((await operator.ask('/readyz')).status).toBe(200);
  });

  it('warns of a definition that is older than itself', async () => {
    const [file = ''] = await crdManifests();
    const older = join(server.place.path, 'older.yaml');
    const text = await readFile(file, 'utf8');
    await writeFile(older, text.replace(/^( +)waiting:$/m, '$1waited:'));
    await kubectl(server, 'apply', '--server-side', '--force-conflicts', '--filename', older);
    const flags = ['--kubeconfig', server.plane.kubeconfig, ...image, '--no-leader-election'];
    await using operator = operatorProcess(flags);
    const line = await operator.line(
      'the definition on the API server is older than this operator',
    );
    await installManifests({ ...server.plane, manifests: await crdManifests() });

    expect(line).toMatchObject({ level: 'warn', lacks: ['status.waiting'] });
    expect((await operator.ask('/metrics')).body).toContain(
      'millrace_operator_definition_outdated{kind="csv-import"} 1',
    );
  });

  it('ends with 64 when its credentials are not accepted', async () => {
    const kubeconfig = await kubeconfigWith(server, 'not-a-token');
    await using operator = operatorProcess(['--kubeconfig', kubeconfig, ...image]);

    expect(await operator.ended).toMatchObject({ code: 64 });
    expect(operator.text()).toContain('does not accept our credentials');
    expect(operator.text()).not.toContain('not-a-token');
  });

  it('ends when the server stands still for longer than it may lead, and leads again afterwards', async () => {
    const apiServer = server.plane.processes.find(({ role }) => role === 'kube-apiserver');
    if (apiServer === undefined) throw new Error('the control plane has no API server');
    const flags = ['--kubeconfig', server.plane.kubeconfig, ...image];
    await using first = operatorProcess(flags);
    await first.line('leading');

    signalProcess(apiServer, 'SIGSTOP');
    const end = await first.ended.finally(() => signalProcess(apiServer, 'SIGCONT'));
    await using second = operatorProcess(flags);
    await second.line('leading');

    expect(end).toEqual({ code: 1, signal: null });
    const lost = first.lines().find(({ msg }) => msg === 'leadership lost');
    expect(lost?.['why']).toMatch(/ran out|could not be renewed/);
  });

  /** Both are of the whole cluster: without them it takes definitions as current, and scales itself. */
  const refusedInNamespaces = ['get customresourcedefinitions', 'list apiservices'];

  it('works in one namespace with the rights of that namespace, and in two with those of both', async () => {
    await grant('team-a');
    const lease = ['--lease-namespace', 'millrace-system'];
    {
      await using one = await operatorIn(server, '--namespace', 'team-a', ...lease);
      expect(await resourcesIn('team-a')).toEqual([5, 4]);
      expect(await one.refused()).toEqual(refusedInNamespaces);
    }
    await grant('team-b');
    await using two = await operatorIn(
      server,
      ...['team-a', 'team-b'].flatMap(inNamespace),
      ...lease,
    );

    expect(await resourcesIn('team-b')).toEqual([5, 4]);
    expect(await two.refused()).toEqual(refusedInNamespaces);
  });

  it('works in every namespace with the rights of a cluster, and not with less', async () => {
    await using operator = await operatorIn(server);
    await until(
      () => operator.lines().find(({ reason }) => reason === 'Forbidden'),
      () => 'a refusal',
    );
    expect(operator.lines().some(({ msg }) => msg === 'leading')).toBe(false);
    const { port } = operator.lines().find(({ msg }) => msg === 'admin port open') ?? {};
    const response = await fetch(`http://127.0.0.1:${Number(port)}/readyz`);
    expect(response.status).toBe(503);
    expect(await response.text()).toContain('Forbidden');

    await kubectl(server, 'apply', '--filename', `${deployFolder}rbac-cluster.yaml`);

    expect(await resourcesIn('team-c')).toEqual([5, 4]);
  });
});

function inNamespace(name: string): readonly string[] {
  return ['--namespace', name];
}
