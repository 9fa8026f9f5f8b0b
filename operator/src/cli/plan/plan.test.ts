import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { apiVersion } from '@millrace/crds/define-kind';
import { commandLine, type CommandLine } from '../../../test/command-line.ts';
import { ImportCluster, namespace, report, usersSpec } from '../../../test/import-cluster.ts';
import { csvImports } from '../../kinds/csv-import/resource-types.ts';
import { configMaps, deployments, pods } from '../../machinery/workload/resource-types.ts';
import type { KubeApi } from '../../machinery/kube-api.ts';
import { KubeFailure } from '../../machinery/kube-failure.ts';

function manifest(spec: object = usersSpec, name = 'users'): string {
  return stringify({ apiVersion, kind: 'CsvImport', metadata: { name }, spec });
}

async function lineTo(cluster: ImportCluster, api: KubeApi = cluster.api): Promise<CommandLine> {
  return await commandLine({ api, namespace, now: () => cluster.clock.now() });
}

/** An import that runs, with a worker whose pod a test may name. */
async function runningImport(): Promise<ImportCluster> {
  const cluster = await ImportCluster.create();
  cluster.progress = report();
  await cluster.runCoordinator();
  await cluster.clock.advance(20_000);
  await cluster.settle();
  const worker = await cluster.read(deployments, 'users-worker');
  if (worker === undefined) throw new Error('there is no Deployment of the workers');
  const { template } = worker['spec'] as { readonly template: { metadata: object; spec: object } };
  await cluster.api.create(pods, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...template.metadata, namespace, name: 'users-worker-1' },
    spec: template.spec,
  });
  await cluster.setStatus(pods, 'users-worker-1', { phase: 'Running' });
  return cluster;
}

describe('millrace plan', () => {
  it('shows what a new import would bring, and what it would wait for', async () => {
    await using cluster = new ImportCluster();
    await using line = await lineTo(cluster);

    const printed = await line.run('plan', await line.file('users.yaml', manifest()));

    expect(withoutDigests(printed.stdout)).toMatchInlineSnapshot(`
      "CsvImport team/users would be created  users.yaml:1
        ! Pods are planned with the image millrace-runtimes; say with --runtime-image which one the operator was given.
        The operator would then
          + create  ConfigMap/users-config  it is new
          + create  Service/users-gateway   the table is to be served
          … wait    Secret millrace-backends with the keys POSTGRES_URL, RABBITMQ_URL

      3 to create, 0 to change, 0 to delete, 1 wait. Nothing was written.
      "
    `);
    expect(printed).toMatchObject({ stderr: '', exitCode: 0 });
  });

  it('writes nothing', async () => {
    await using cluster = await runningImport();
    const api = readOnly(cluster.api);
    await using line = await lineTo(cluster, api);
    const before = cluster.api.snapshot();
    const file = await line.file(
      'users.yaml',
      manifest({ ...usersSpec, cache: { mode: 'Invalidate' } }),
    );

    const printed = await line.run('plan', file);

    expect(printed.exitCode).toBe(0);
    expect(cluster.api.snapshot()).toEqual(before);
  });

  it('counts what the same file brings as if it were there, and hides what is secret', async () => {
    await using cluster = new ImportCluster();
    await using line = await lineTo(cluster);
    const text = [
      stringify({
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'millrace-backends' },
        stringData: {
          POSTGRES_URL: 'postgres://hush',
          RABBITMQ_URL: 'amqp://hush',
          REDIS_URL: 'redis://hush',
        },
      }),
      stringify({
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: { name: 'data' },
        spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
      }),
      stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'elsewhere' } }),
      manifest(),
    ].join('---\n');

    const file = await line.file('all.yaml', text);
    const printed = await line.run('plan', file, '--runtime-image', 'runtimes:9');
    const json = await line.run('plan', file, '-o', 'json');

    expect(withoutDigests(printed.stdout)).toMatchInlineSnapshot(`
      "Secret team/millrace-backends would be created  all.yaml:1

      PersistentVolumeClaim team/data would be created  all.yaml:10

      CsvImport team/users would be created  all.yaml:26
        The operator would then
          + create  ConfigMap/users-config    it is new
          + create  Job/users-coordinator     the import is to run
          + create  Deployment/users-worker   it is new
          + create  Deployment/users-gateway  it is new
          ~ change  Deployment/users-gateway  as spec.serve.replicas asks
              spec.replicas: 0 → 1
          + create  Service/users-gateway     the table is to be served

      8 to create, 0 to change, 0 to delete. Nothing was written.
      "
    `);
    expect(printed.stderr).toBe('all.yaml:22: Namespace is not looked at\n');
    expect(json.stdout).not.toContain('hush');
    expect(json.stdout).not.toContain(Buffer.from('amqp://hush').toString('base64'));
    expect(JSON.parse(json.stdout)).toMatchObject({ summary: { create: 8, wait: 0, refused: 0 } });
  });

  it('says field by field what changes, and which pods are taken down and why', async () => {
    await using cluster = await runningImport();
    await using line = await lineTo(cluster);
    const spec = { ...usersSpec, cache: { mode: 'Invalidate' }, workers: { min: 0, max: 1 } };

    const printed = await line.run('plan', await line.file('users.yaml', manifest(spec)));

    expect(withoutDigests(printed.stdout)).toMatchInlineSnapshot(`
      "CsvImport team/users would be changed  users.yaml:1
        spec.workers.max: 2 → 1
        spec.cache: (none) → {"mode":"Invalidate"}
        The operator would then
          ~ change  ConfigMap/users-config    as the spec asks
              data["config.json"].cache.mode: "Off" → "Invalidate" (in 2 places)
              data["spec.json"].workers.max: 2 → 1
              data["spec.json"].cache: (none) → {"mode":"Invalidate"}
              data["rendering.json"].spec: # → #
              data["rendering.json"].templates.coordinator.metadata.annotations["millrace.dev/config-hash"]: # → # (in 3 places)
          - delete  Job/users-coordinator     its configuration has changed and a Job cannot be changed
          ~ change  Deployment/users-worker   as the spec asks
              metadata.annotations["millrace.dev/rendering"]: # → #
              spec.template.metadata.annotations["millrace.dev/config-hash"]: # → #
              1 pod is replaced, because the pod template changes: users-worker-1
          ~ change  Deployment/users-worker   the coordinator has not reported yet
              spec.replicas: 2 → 1
          ~ change  Deployment/users-gateway  as the spec asks
              metadata.annotations["millrace.dev/rendering"]: # → #
              spec.template.metadata.annotations["millrace.dev/config-hash"]: # → #
        and once that is gone
          · wait for the previous coordinator to end

      0 to create, 4 to change, 1 to delete, 1 pod replaced. Nothing was written.
      "
    `);
  });

  it('says that nothing is to change when nothing is', async () => {
    await using cluster = await runningImport();
    await using line = await lineTo(cluster);

    const printed = await line.run('plan', await line.file('users.yaml', manifest()));

    expect(withoutDigests(printed.stdout)).toMatchInlineSnapshot(`
      "CsvImport team/users is as in the cluster  users.yaml:1

      Nothing to change.
      "
    `);
  });

  it('shows the repair of what somebody else changed', async () => {
    await using cluster = await runningImport();
    await cluster.stopOperator();
    await cluster.api.patch(
      deployments,
      { namespace, name: 'users-worker' },
      {
        spec: { template: { spec: { terminationGracePeriodSeconds: 1 } } },
      },
    );
    await using line = await lineTo(cluster);

    const printed = await line.run('plan', await line.file('users.yaml', manifest()));

    expect(printed.stdout).toContain('spec.template.spec.terminationGracePeriodSeconds: 1 → ');
    expect(printed.stdout).toContain(
      '1 pod is replaced, because the pod template changes: users-worker-1',
    );
  });

  it('names the child whose name is taken, and what is therefore not reached', async () => {
    await using cluster = new ImportCluster();
    await cluster.api.create(configMaps, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { namespace, name: 'users-config' },
    });
    await using line = await lineTo(cluster);

    const printed = await line.run('plan', await line.file('users.yaml', manifest()));

    expect(withoutDigests(printed.stdout)).toMatchInlineSnapshot(`
      "CsvImport team/users would be created  users.yaml:1
        ! Pods are planned with the image millrace-runtimes; say with --runtime-image which one the operator was given.
        The operator would then
          ✗ refused ConfigMap/users-config  ConfigMap team/users-config exists and was not made by Millrace. Rename or delete it, or rename this resource.
          · then    Service/users-gateway   the table is to be served
          … wait    Secret millrace-backends with the keys POSTGRES_URL, RABBITMQ_URL

      1 to create, 0 to change, 0 to delete, 1 wait, 1 refused. Nothing was written.
      "
    `);
    expect(printed.exitCode).toBe(1);
  });

  it('gives file and line of each field that the server refuses', async () => {
    await using cluster = new ImportCluster();
    await using line = await lineTo(cluster);
    const text = manifest({ ...usersSpec, workers: { min: -1, max: 0 } }).replace(
      '  target:',
      '  taget: 1\n  target:',
    );

    const printed = await line.run('plan', await line.file('users.yaml', text));

    expect(withoutDigests(printed.stdout)).toMatchInlineSnapshot(`
      "CsvImport team/users is refused by the API server  users.yaml:1
        ✗ users.yaml:15: unknown field "spec.taget"; did you mean target?
        ✗ users.yaml:23: spec.workers.min: must be from 0 to 64. Fewest workers while loading; default 0.
        ✗ users.yaml:24: spec.workers.max: must be from 1 to 64. Most workers; default 4.

      0 to create, 0 to change, 0 to delete, 1 refused. Nothing was written.
      "
    `);
    expect(printed.exitCode).toBe(65);
  });

  it('tells a spec that the operator refuses from one that the server refuses', async () => {
    // A cluster whose definitions are older than a rule.
    await using cluster = await ImportCluster.create({ isLenient: true });
    await using line = await lineTo(cluster);
    const spec = { ...usersSpec, cache: { mode: 'Invalidate', ttl: '721h' } };

    const printed = await line.run('plan', await line.file('users.yaml', manifest(spec)));

    expect(printed.stdout).toContain(
      '! InvalidSpec: spec.cache.ttl must be from 1s to 720h, such as 2m.',
    );
    expect(printed.exitCode).toBe(1);
  });

  it('takes away what the manifest no longer says, as kubectl apply does', async () => {
    await using cluster = await ImportCluster.create();
    await cluster.api.patch(
      csvImports,
      { namespace, name: 'users' },
      {
        metadata: {
          annotations: {
            'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify({ spec: usersSpec }),
          },
        },
      },
    );
    const { serve: _serve, ...spec } = usersSpec;
    await using line = await lineTo(cluster);

    const printed = await line.run('plan', await line.file('users.yaml', manifest(spec)));

    expect(printed.stdout).toContain('spec.serve: {"enabled":true} → (none)');
    expect(printed.stdout).toMatch(
      /- delete .*Deployment\/users-gateway +no longer part of the plan/,
    );
  });

  it('has the transition rules of the schema judge what is taken away', async () => {
    await using cluster = await ImportCluster.create({ spec: { ...usersSpec, chunkBytes: '2Mi' } });
    await cluster.api.patch(
      csvImports,
      { namespace, name: 'users' },
      {
        metadata: {
          annotations: {
            'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify({
              spec: { ...usersSpec, chunkBytes: '2Mi' },
            }),
          },
        },
      },
    );
    await using line = await lineTo(cluster);

    const printed = await line.run('plan', await line.file('users.yaml', manifest()));

    expect(printed.stdout).toContain('users.yaml:5: spec.chunkBytes: chunkBytes is immutable');
    expect(printed.exitCode).toBe(65);
  });

  it('leaves a paused import alone', async () => {
    await using cluster = await runningImport();
    await using line = await lineTo(cluster);
    const spec = { ...usersSpec, paused: true, workers: { min: 0, max: 1 } };

    const printed = await line.run('plan', await line.file('users.yaml', manifest(spec)));

    expect(printed.stdout).toContain('! spec.paused is set: the operator would change nothing');
    expect(printed.stdout).toContain('0 to create, 1 to change, 0 to delete. Nothing was written.');
  });

  it('compares by itself what the person may not even try, and says so', async () => {
    await using cluster = await runningImport();
    const api = allowed(cluster.api, (verb, plural) => plural === 'csvimports' || verb !== 'apply');
    await using line = await lineTo(cluster, api);
    const spec = { ...usersSpec, cache: { mode: 'Invalidate' } };

    const printed = await line.run('plan', await line.file('users.yaml', manifest(spec)));

    expect(printed.stdout).toContain('! You may not apply a ConfigMap, not even to try');
    expect(printed.stdout).toContain('data["config.json"].cache.mode: "Off" → "Invalidate"');
  });

  it('takes for granted what the person may not read, and says so', async () => {
    await using cluster = await ImportCluster.create({ secret: undefined, hasClaim: false });
    const api = allowed(
      cluster.api,
      (_, plural) => plural !== 'secrets' && plural !== 'persistentvolumeclaims',
    );
    await using line = await lineTo(cluster, api);

    const printed = await line.run('plan', await line.file('users.yaml', manifest()));

    expect(printed.stdout).toContain(
      '! You may not read Secret millrace-backends; it is taken to exist with the keys POSTGRES_URL, RABBITMQ_URL.',
    );
    expect(printed.stdout).toContain('+ create  Job/users-coordinator');
  });

  it('reads standard input', async () => {
    await using cluster = new ImportCluster();
    const { api, clock } = cluster;
    await using line = await commandLine({
      api,
      namespace,
      now: () => clock.now(),
      input: manifest(),
    });

    const printed = await line.run('plan', '-');

    expect(printed.stdout).toContain('CsvImport team/users would be created  <stdin>:1');
  });

  it.each([
    ['no manifest', [], "missing required argument 'manifest'", 64],
    ['a file that is not there', ['nowhere.yaml'], 'nowhere.yaml: no such file or folder.', 65],
    [
      'another format',
      ['-', '-o', 'yaml'],
      "argument 'yaml' is invalid. Allowed choices are json",
      64,
    ],
    ['an empty input', ['-'], 'no CsvImport or IncrementPipeline in -', 65],
  ])('refuses %s', async (_, args, message, code) => {
    await using cluster = new ImportCluster();
    await using line = await lineTo(cluster);

    const printed = await line.run('plan', ...args);

    expect(printed).toMatchObject({ stdout: '', exitCode: code });
    expect(printed.stderr).toContain(message);
  });

  it('refuses two namespaces for one manifest', async () => {
    await using cluster = new ImportCluster();
    await using line = await lineTo(cluster);
    const text = manifest().replace('name: users', 'name: users\n  namespace: team');

    const printed = await line.run('plan', await line.file('a.yaml', text), '-n', 'other');

    expect(printed.stderr).toBe(
      'error: a.yaml:5: the manifest says namespace team and the command line other; leave one out\n',
    );
    expect(printed.exitCode).toBe(64);
  });
});

/** Digests change whenever what is rendered does; that they change is what is told. */
function withoutDigests(text: string): string {
  return text.replaceAll(/"[0-9a-f]{16}"/g, '#');
}

/** Fails at every write that is no dry run. */
function readOnly(api: KubeApi): KubeApi {
  const refuse = (): never => {
    throw new Error('plan wrote something');
  };
  return {
    get: (...args) => api.get(...args),
    list: (...args) => api.list(...args),
    watch: (...args) => api.watch(...args),
    apply: (type, object, options) =>
      options.dryRun === true ? api.apply(type, object, options) : refuse(),
    create: refuse,
    patch: refuse,
    applyStatus: refuse,
    scale: refuse,
    delete: refuse,
  };
}

/** The API as a person of few rights sees it, with the words of a real server. */
function allowed(api: KubeApi, may: (verb: string, plural: string) => boolean): KubeApi {
  const check = (verb: string, said: string, plural: string): void => {
    if (may(verb, plural)) return;
    throw new KubeFailure(
      'Forbidden',
      `${plural} is forbidden: User "eve" cannot ${said} resource`,
    );
  };
  return {
    ...readOnly(api),
    get: async (type, ref) => {
      check('get', 'get', type.plural);
      return await api.get(type, ref);
    },
    apply: async (type, object, options) => {
      check('apply', 'patch', type.plural);
      return await api.apply(type, object, options);
    },
  };
}
