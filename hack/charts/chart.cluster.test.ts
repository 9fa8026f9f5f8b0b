/**
 * The chart on a real API server: what it takes, what an upgrade and an uninstall leave, and what each
 * account may do. Nothing runs there; hack/e2e installs the chart on a node.
 */
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { group } from '@millrace/crds/define-kind';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parse, stringify } from 'yaml';

import { operatorProcess } from '../../operator/test/operator-process.ts';
import { describeOnCluster } from '../../operator/test/real-cluster.ts';
import { startChartCluster, type ChartCluster } from './chart-cluster.ts';
import { charts, execute, openHelm, toolOrWhy, type HelmResult } from './helm.ts';
import { schemaLocation, writeSchemas } from './openapi-schemas.ts';
import { manifestsIn, renderText, valueSets, type Manifest } from './rendered.ts';

/** A start of the server takes seconds, and ten times that on a host that builds something else. */
vi.setConfig({ testTimeout: 120_000 });

const helmProgram = await toolOrWhy('helm', process.env);
const conformer = await toolOrWhy('kubeconform', process.env);
const helmFile = typeof helmProgram === 'string' ? helmProgram : '';
const kubeconform = typeof conformer === 'string' ? conformer : '';
const root = join(charts.millrace, '..', '..');
const example = join(root, 'crds', 'examples', 'csv-import.yaml');
const namespace = 'millrace-system';
const release = ['millrace', '--namespace', namespace] as const;
const done = { exitCode: 0, stderr: '' };
/** Kinds of others, which no server here has: what of them is rendered cannot be checked. */
const foreign = ['ServiceMonitor', 'PodMonitor', 'PrometheusRule'];

let cluster: ChartCluster;

interface Schema {
  properties?: Record<string, Schema>;
}

/** The chart as an earlier version would have been: without a field of the status. */
async function earlierChart(folder: string): Promise<string> {
  const copy = join(folder, 'earlier');
  await cp(charts.millrace, copy, { recursive: true });
  const chartFile = join(copy, 'Chart.yaml');
  const chart = await readFile(chartFile, 'utf8');
  await writeFile(chartFile, chart.replace(/^version: .*$/m, 'version: 0.0.9'));
  const file = join(copy, 'files', 'crds', 'csv-import.yaml');
  const definition = parse(await readFile(file, 'utf8')) as {
    spec: { versions: [{ schema: { openAPIV3Schema: Schema } }] };
  };
  const status = definition.spec.versions[0].schema.openAPIV3Schema.properties?.['status'];
  delete status?.properties?.['waiting'];
  await writeFile(file, stringify(definition));
  return copy;
}

const waiting = [{ what: 'A claim.', since: '2026-01-01T00:00:00Z' }];

async function patchImport(patch: object, ...more: readonly string[]): Promise<void> {
  const which = ['csvimport', 'users', '--namespace=team-a', '--type=merge', ...more];
  await cluster.kubectl(['patch', ...which, `--patch=${JSON.stringify(patch)}`]);
}

async function writeStatus(): Promise<void> {
  await patchImport({ status: { observedGeneration: 1, waiting } }, '--subresource=status');
}

async function readImport(): Promise<{ readonly uid: unknown; readonly status: unknown }> {
  const found = await cluster.get('csvimport', 'users', 'team-a');
  const { uid } = (found?.metadata ?? {}) as { readonly uid?: string };
  return { uid, status: found?.['status'] };
}

/** Puts our finalizer onto the import, or takes it away. */
async function hold(isHeld: boolean): Promise<void> {
  await patchImport({ metadata: { finalizers: isHeld ? [`${group}/drain`] : null } });
}

/** As the metrics API registers itself. */
const registration = {
  apiVersion: 'apiregistration.k8s.io/v1',
  kind: 'APIService',
  metadata: {
    name: 'v1beta1.external.metrics.k8s.io',
    labels: { 'app.kubernetes.io/part-of': 'millrace' },
  },
  spec: {
    group: 'external.metrics.k8s.io',
    version: 'v1beta1',
    groupPriorityMinimum: 100,
    versionPriority: 100,
    insecureSkipTLSVerify: true,
    service: { namespace, name: 'millrace-metrics-api' },
  },
};

/** The hook's program as its pod would run it: its arguments, and the token of its account. */
async function hookProgram(job: Manifest): Promise<HelmResult> {
  const { spec } = job as Manifest & {
    readonly spec: { template: { spec: { containers: [{ args: readonly string[] }] } } };
  };
  const { args } = spec.template.spec.containers[0];
  const kubeconfig = await cluster.kubeconfigOf('millrace-uninstall', namespace);
  const main = join(root, 'operator', 'src', 'uninstall', 'main.ts');
  return execute(process.execPath, [main, ...args], {
    env: { ...process.env, KUBECONFIG: kubeconfig },
  });
}

/** What the example needs before its coordinator is made. */
const prerequisites = [
  {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'millrace-backends' },
    stringData: { POSTGRES_URL: 'not-used', RABBITMQ_URL: 'not-used', REDIS_URL: 'not-used' },
  },
  {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'data' },
    spec: { accessModes: ['ReadOnlyMany'], resources: { requests: { storage: '1Gi' } } },
  },
];

/** The configuration that the operator of a release reads, as the variables that say the same. */
async function settingsOf(name: string, place: string): Promise<Readonly<Record<string, string>>> {
  const { data } = (await cluster.get('configmap', name, place)) as Manifest & {
    readonly data: Readonly<Record<string, string>>;
  };
  const { runtimeImage, namespaces, leaderElection } = JSON.parse(data['operator.json'] ?? '') as {
    readonly runtimeImage: string;
    readonly namespaces: readonly string[];
    readonly leaderElection: { readonly name: string };
  };
  return {
    MILLRACE_RUNTIME_IMAGE: runtimeImage,
    MILLRACE_LEADER_ELECTION_NAME: leaderElection.name,
    MILLRACE_LEADER_ELECTION_NAMESPACE: place,
    ...(namespaces.length === 0 ? {} : { MILLRACE_NAMESPACES: namespaces.join(',') }),
  };
}

const suite =
  typeof helmProgram === 'string' && typeof conformer === 'string'
    ? describeOnCluster
    : describe.skip;

suite('the chart on a real API server', () => {
  beforeAll(async () => {
    cluster = await startChartCluster(helmFile);
    await cluster.namespaces(namespace, 'dry', 'team-a', 'team-b');
  }, 300_000);

  afterAll(async () => {
    await cluster[Symbol.asyncDispose]();
  });

  it('renders nothing that the schemas of the server do not know', async () => {
    await using helm = await openHelm(helmFile);
    const folder = join(cluster.folder, 'schemas');
    const description = await cluster.kubectl(['get', '--raw', '/openapi/v2']);
    const written = await writeSchemas(JSON.parse(description), folder);
    const options = [`-schema-location=${schemaLocation(folder)}`, `-skip=${foreign.join(',')}`];

    expect(written).toBeGreaterThan(50);
    for (const { name, values } of valueSets()) {
      const text = await renderText(helm, { values });
      const args = [...options, '-output=json', '-summary'];
      const { stdout } = await execute(kubeconform, args, { env: process.env, input: text });
      const answer = JSON.parse(stdout) as {
        readonly resources?: readonly object[];
        readonly summary: Readonly<Record<string, number>>;
      };
      expect(answer.resources ?? [], name).toEqual([]);
      expect(answer.summary, name).toMatchObject({ invalid: 0, errors: 0 });
      expect(answer.summary['valid'], name).toBeGreaterThan(5);
    }
  });

  it('tells by the same schemas a field that the server does not know', async () => {
    const options = [`-schema-location=${schemaLocation(join(cluster.folder, 'schemas'))}`];
    const pod = { spec: { containers: [{ name: 'a', image: 'a', imagePolicy: 'Always' }] } };
    const text = stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' }, ...pod });

    const { exitCode, stdout } = await execute(kubeconform, options, {
      env: process.env,
      input: text,
    });

    expect(exitCode).toBe(1);
    expect(stdout).toContain('imagePolicy');
  });

  it('renders nothing that the server refuses', async () => {
    await using helm = await openHelm(helmFile);
    const apply = ['apply', '--server-side', '--validate=strict', '--filename=-'];
    // The sets have most objects in common; the same one need not be asked about twice.
    const texts = new Map<string, string>();
    for (const { values } of valueSets()) {
      for (const manifest of manifestsIn(await renderText(helm, { values, namespace: 'dry' }))) {
        if (!foreign.includes(manifest.kind)) texts.set(stringify(manifest), manifest.kind);
      }
    }
    const accounts = [...texts].filter(([, kind]) => kind === 'ServiceAccount');

    // Pods are refused whose account is not there, in a dry run too.
    await cluster.kubectl(apply, accounts.map(([text]) => text).join('---\n'));
    const said = await cluster.kubectl(
      [...apply, '--dry-run=server'],
      [...texts.keys()].join('---\n'),
    );

    expect(texts.size).toBeGreaterThan(50);
    expect(said.trim().split('\n')).toHaveLength(texts.size);
  });

  it('is upgraded with a new field and kept values, uninstalled, and takes up what it left', async () => {
    const earlier = await earlierChart(cluster.folder);

    expect(await cluster.helm('install', ...release, earlier, '--set', 'replicas=3')).toMatchObject(
      done,
    );
    await cluster.kubectl(['wait', '--for=condition=Established', 'crd', '--all']);
    await cluster.kubectl(['apply', '--namespace=team-a', `--filename=${example}`]);
    await writeStatus();
    const before = await readImport();
    expect(before.status).toEqual({ observedGeneration: 1 });

    expect(
      await cluster.helm('upgrade', ...release, charts.millrace, '--reuse-values'),
    ).toMatchObject(done);
    const operator = await cluster.get('deployment', 'millrace-operator', namespace);
    expect(operator).toMatchObject({ spec: { replicas: 3 } });
    expect(await readImport()).toEqual(before);
    const written = { observedGeneration: 1, waiting };
    // A server takes a changed definition up within a second.
    await expect
      .poll(async () => writeStatus().then(readImport), { timeout: 20_000 })
      .toEqual({ uid: before.uid, status: written });

    expect(await cluster.helm('uninstall', ...release, '--no-hooks')).toMatchObject({
      exitCode: 0,
    });
    expect(await cluster.get('deployment', 'millrace-operator', namespace)).toBeUndefined();
    // A definition that is being deleted is there for a moment longer, and its resources too.
    const definition = await cluster.get('crd', `csvimports.${group}`);
    expect(definition?.metadata).not.toHaveProperty('deletionTimestamp');
    expect(await readImport()).toEqual({ uid: before.uid, status: written });

    const installed = await cluster.helm('install', ...release, charts.millrace);
    expect(installed).toMatchObject(done);
    expect(installed.stdout).toContain('works in all namespaces');
    expect(installed.stdout).toContain('get apiservice');
    expect(await readImport()).toEqual({ uid: before.uid, status: written });
  });

  it('refuses to strand an import, and else withdraws the metrics API, with rights that suffice', async () => {
    const { stdout } = await cluster.helm('get', 'hooks', ...release);
    const hooks = manifestsIn(stdout).filter(
      ({ metadata }) => metadata.annotations?.['helm.sh/hook'] === 'pre-delete',
    );
    const [job] = hooks.filter(({ kind }) => kind === 'Job');
    const rights = hooks.filter(({ kind }) => kind !== 'Job');
    if (job === undefined) throw new Error('no hook');
    const needed = [...rights, registration].map((held) => stringify(held)).join('---\n');
    await cluster.kubectl(['apply', '--filename=-'], needed);

    await hold(true);
    const refused = await hookProgram(job);
    expect(refused).toMatchObject({ exitCode: 65 });
    expect(refused.stdout).toContain('csvimport team-a/users');
    expect(await cluster.get('apiservice', registration.metadata.name)).toBeDefined();

    await hold(false);
    expect(await hookProgram(job)).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await cluster.get('apiservice', registration.metadata.name)).toBeUndefined();
    const binding = `${namespace}:millrace-metrics-api-service`;
    expect(await cluster.get('clusterrolebinding', binding)).toBeUndefined();
  });

  it('lets the operator do its work everywhere, and only that', async () => {
    const account = `system:serviceaccount:${namespace}:millrace-operator`;
    const can = (...what: readonly string[]): Promise<boolean> => cluster.canI(account, ...what);

    expect(
      await can('patch', 'csvimports.millrace.dev', '--subresource=status', '--namespace=team-b'),
    ).toBe(true);
    expect(await can('patch', 'deployments.apps', '--namespace=team-b')).toBe(true);
    expect(await can('patch', 'leases/millrace-operator', `--namespace=${namespace}`)).toBe(true);
    expect(await can('patch', 'leases', '--namespace=team-a')).toBe(false);
    expect(await can('update', 'csvimports.millrace.dev', '--namespace=team-b')).toBe(false);
    expect(await can('create', 'pods', '--namespace=team-b')).toBe(false);
    expect(await can('create', 'clusterrolebindings')).toBe(false);
    expect(await can('delete', 'crds')).toBe(false);
  });

  it('installed in its own namespace, grants nothing outside of it', async () => {
    const values = join(charts.millrace, 'examples', 'own-namespace.yaml');
    const own = ['own', '--namespace', 'team-b', charts.millrace, '--values', values];

    const installed = await cluster.helm('install', ...own);
    expect(installed).toMatchObject(done);
    for (const words of ['works in: team-b', 'not part of this release', 'no metrics API']) {
      expect(installed.stdout).toContain(words);
    }

    const account = 'system:serviceaccount:team-b:own-millrace-operator';
    const listed = ['list', 'csvimports.millrace.dev'] as const;
    expect(await cluster.canI(account, ...listed, '--namespace=team-b')).toBe(true);
    expect(await cluster.canI(account, ...listed, '--namespace=team-a')).toBe(false);
    expect(await cluster.canI(account, ...listed, '--all-namespaces')).toBe(false);
    const ofCluster = await cluster.kubectl([
      'get',
      'clusterroles,clusterrolebindings',
      '--selector=app.kubernetes.io/instance=own',
      '--output=name',
    ]);
    expect(ofCluster).toBe('');
  });

  it.each([
    ['everywhere', 'millrace-operator', namespace, 'team-a'],
    ['in its own namespace', 'own-millrace-operator', 'team-b', 'team-b'],
  ])('gives the operator all that it asks for %s', async (_, account, place, where) => {
    const inPlace = [`--namespace=${where}`, '--filename=-'];
    await cluster.kubectl(
      ['apply', ...inPlace],
      [...prerequisites.map((held) => stringify(held)), await readFile(example, 'utf8')].join(
        '---\n',
      ),
    );
    const kubeconfig = await cluster.kubeconfigOf(account, place);

    await using operator = operatorProcess(
      ['--kubeconfig', kubeconfig],
      await settingsOf(account, place),
    );

    await operator.line('leading');
    await expect
      .poll(() => cluster.get('job', 'users-coordinator', where), { timeout: 30_000 })
      .toBeDefined();
    expect(operator.text()).not.toMatch(/forbidden/i);
  });

  it('lets people do to our kinds what they may do in a namespace anyway', async () => {
    for (const role of ['view', 'edit', 'admin']) {
      const named = [role, `--clusterrole=${role}`, `--user=${role}`, '--namespace=team-a'];
      await cluster.kubectl(['create', 'rolebinding', ...named]);
    }
    const can = (user: string, verb: string): Promise<boolean> =>
      cluster.canI(user, verb, 'incrementpipelines.millrace.dev', '--namespace=team-a');

    // The controller adds the rules up a moment after the roles are there.
    await expect.poll(() => can('admin', 'deletecollection'), { timeout: 20_000 }).toBe(true);
    expect([await can('view', 'watch'), await can('view', 'create')]).toEqual([true, false]);
    expect([await can('edit', 'create'), await can('edit', 'deletecollection')]).toEqual([
      true,
      false,
    ]);
  });
});
