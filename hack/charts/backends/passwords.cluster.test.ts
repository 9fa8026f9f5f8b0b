/**
 * What becomes of the passwords of the development backends over the life of a release. Helm finds them
 * in the cluster, so only a real one can tell; in a namespace of its own, with nothing beyond it.
 */
import { randomUUID } from 'node:crypto';

import { afterAll, beforeAll, expect, inject, it, vi } from 'vitest';

import { describeOnCluster } from '../../../operator/test/real-cluster.ts';
import { charts, execute, openHelm, toolOrWhy, type Helm } from '../helm.ts';

vi.setConfig({ testTimeout: 120_000 });

const program = await toolOrWhy('helm', process.env);
const namespace = `chart-${randomUUID().slice(0, 8)}`;
const second = `${namespace}-second`;
const ownOnly = {
  'watch.scope': 'own',
  'crds.install': 'false',
  'metricsApi.enabled': 'false',
  'networkPolicy.enabled': 'false',
  'uninstall.hook': 'false',
  'rbac.aggregatedRoles': 'false',
  'backends.enabled': 'true',
  'backends.secretNamespaces': `{${second}}`,
};

let helm: Helm;

function clusterOf(): { readonly kubeconfig: string; readonly kubectl: string } {
  const cluster = inject('cluster');
  if ('missing' in cluster) throw new Error(cluster.missing);
  return cluster;
}

async function kubectl(...args: readonly string[]): Promise<string> {
  const { kubeconfig, kubectl: file } = clusterOf();
  const env = { ...process.env, KUBECONFIG: kubeconfig, KUBECACHEDIR: `${kubeconfig}.cache` };
  const { exitCode, stdout, stderr } = await execute(file, args, { env });
  if (exitCode !== 0) throw new Error(stderr);
  return stdout;
}

async function release(verb: string, values: Readonly<Record<string, string>>): Promise<void> {
  const set = Object.entries({ ...ownOnly, ...values }).flatMap((pair) => [
    '--set',
    pair.join('='),
  ]);
  const args = [verb, 'millrace', charts.millrace, '--namespace', namespace, ...set];
  const { kubeconfig } = clusterOf();
  const { exitCode, stderr } = await helm.call(args, { KUBECONFIG: kubeconfig });
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
}

type Data = Readonly<Record<string, string>>;

async function secret(name: string, of = namespace): Promise<Data> {
  const text = await kubectl('get', 'secret', name, '-n', of, '-o', 'json');
  const { data } = JSON.parse(text) as { readonly data: Data };
  const read = Object.entries(data).map(
    ([key, value]) => [key, Buffer.from(value, 'base64').toString()] as const,
  );
  return Object.fromEntries(read);
}

describeOnCluster('passwords of the development backends', () => {
  beforeAll(async () => {
    if (typeof program !== 'string') throw new Error(program.missing);
    helm = await openHelm(program);
    for (const name of [namespace, second]) await kubectl('create', 'namespace', name);
  });

  afterAll(async () => {
    await kubectl('delete', 'namespace', namespace, second, '--wait=false');
    await helm[Symbol.asyncDispose]();
  });

  it('are random, the same for servers and clients, and last as long as the volumes', async () => {
    await release('install', {});
    const first = await secret('millrace-backends-passwords');
    const clients = await secret('millrace-backends');

    const isSealing = ([key]: readonly [string, string]): boolean => key.startsWith('sealing-');
    const made = Object.entries(first).filter(([key]) => !key.endsWith('.conf'));
    const passwords = made.filter((entry) => !isSealing(entry));
    const keys = made.filter(isSealing).map(([, value]) => value);
    expect(new Set(keys).size).toBe(2);
    for (const key of keys) expect(Buffer.from(key, 'base64')).toHaveLength(32);
    expect(JSON.parse(clients['SEALING_KEYS'] ?? '')).toEqual({
      chart: { use: 'active', seal: first['sealing-seal'], index: first['sealing-index'] },
    });
    expect(passwords).toHaveLength(9);
    for (const [key, value] of passwords) expect(value, key).toMatch(/^[0-9a-f]{40}$/);
    expect(new Set(passwords.map(([, value]) => value)).size).toBe(9);
    expect(new URL(clients['POSTGRES_URL'] ?? '').password).toBe(first['postgres-app']);
    expect(new URL(clients['REDIS_URL'] ?? '').password).toBe(first['valkey']);
    expect(first['valkey.conf']).toBe(`requirepass ${first['valkey'] ?? ''}\n`);
    expect(await secret('millrace-backends', second)).toEqual(clients);

    // By which people find the volumes that stay.
    const volumes = ['get', 'pvc', '-n', namespace, '-o', 'name'] as const;
    await expect
      .poll(async () => kubectl(...volumes, '-l', 'app.kubernetes.io/component=backend'), {
        timeout: 20_000,
      })
      .toMatch(
        /^(persistentvolumeclaim\/data-millrace-(kafka|postgres|rabbitmq|s3|valkey)-0\n){5}$/,
      );

    await release('upgrade', { 'backends.kafka.enabled': 'false' });
    expect(await secret('millrace-backends-passwords')).toEqual(first);
    const { KAFKA_BROKERS: gone, ...left } = await secret('millrace-backends');
    expect(gone).toBeUndefined();
    expect(clients).toMatchObject(left);

    const { kubeconfig } = clusterOf();
    const args = ['uninstall', 'millrace', '--namespace', namespace, '--no-hooks'];
    expect(await helm.call(args, { KUBECONFIG: kubeconfig })).toMatchObject({ exitCode: 0 });
    await expect(secret('millrace-backends')).rejects.toThrow('not found');
    expect(await secret('millrace-backends-passwords')).toEqual(first);

    await release('install', {});
    expect(await secret('millrace-backends-passwords')).toEqual(first);
    expect(await secret('millrace-backends')).toEqual(clients);
  });
});
