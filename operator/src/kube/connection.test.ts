/** Where a connection comes from, and what kubeconfig files mean. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadConnection } from './connection.ts';
import { inClusterConnection, isInCluster } from './in-cluster.ts';

let home: string;
const file = (own: string) => join(home, own);

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'millrace-connection-'));
  await mkdir(file('.kube'));
});
afterAll(async () => await rm(home, { recursive: true }));

/** A kubeconfig with one cluster and one user, in JSON, which is YAML. */
function kubeconfig(change: {
  readonly cluster?: object;
  readonly user?: object;
  readonly context?: object;
  readonly current?: string;
  readonly name?: string;
}): string {
  const { cluster, user, context, name = 'x', current = name } = change;
  const server = { server: `https://${name}.example:6443/` };
  return JSON.stringify({
    'current-context': current,
    clusters: [{ name: `c-${name}`, cluster: { ...server, ...cluster } }],
    users: [{ name: `u-${name}`, user: user ?? { token: 't' } }],
    contexts: [{ name, context: { cluster: `c-${name}`, user: `u-${name}`, ...context } }],
  });
}

async function load(text: string, context?: string) {
  await writeFile(file('config.yaml'), text);
  const options = context === undefined ? {} : { context };
  return await loadConnection({ kubeconfig: file('config.yaml'), env: { WHO: 'me' }, ...options });
}

describe('a kubeconfig', () => {
  test('gives server, namespace, and certificates from files beside it or from inside it', async () => {
    const cluster = { 'certificate-authority': 'pki/ca.crt', 'tls-server-name': 'api' };
    const user = {
      'client-certificate': 'ignored.crt',
      'client-certificate-data': Buffer.from('PEM').toString('base64'),
      'client-key': '/keys/own.key',
    };

    const connection = await load(kubeconfig({ cluster, user, context: { namespace: 'team' } }));

    expect(connection).toEqual({
      server: 'https://x.example:6443',
      namespace: 'team',
      tls: {
        ca: { file: file('pki/ca.crt') },
        certificate: { text: 'PEM' },
        key: { file: '/keys/own.key' },
        serverName: 'api',
      },
      credentials: { type: 'none' },
    });
  });

  test.each([
    ['a token', { token: 't' }, { type: 'token', token: { text: 't' } }],
    [
      'a token file before a token',
      { token: 't', tokenFile: '/t' },
      { type: 'token', token: { file: '/t' } },
    ],
    [
      'a password',
      { username: 'a', password: 'b' },
      { type: 'basic', username: 'a', password: 'b' },
    ],
    [
      'an authentication provider',
      { 'auth-provider': { name: 'oidc' } },
      { type: 'provider', context: 'x' },
    ],
    [
      'a plugin',
      { exec: { apiVersion: 'v1', command: 'get', args: ['a'], env: [{ name: 'A', value: 'b' }] } },
      { type: 'exec', plugin: { command: 'get', args: ['a'], env: { WHO: 'me', A: 'b' } } },
    ],
  ])('gives %s', async (_what, user, credentials) => {
    expect((await load(kubeconfig({ user }))).credentials).toMatchObject(credentials);
  });

  test('finds a plugin that stands beside it', async () => {
    const user = { exec: { command: './bin/get' } };

    const { credentials } = await load(kubeconfig({ user }));

    expect(credentials).toMatchObject({ plugin: { command: file('bin/get') } });
  });

  test.each([
    ['has no such context', kubeconfig({}), 'other', 'has no context "other"'],
    ['names no context', '{}', undefined, 'names no current-context'],
    ['has no such cluster', kubeconfig({ context: { cluster: 'b' } }), undefined, 'no cluster "b"'],
    ['wants a proxy', kubeconfig({ cluster: { 'proxy-url': 'http://p' } }), undefined, 'a proxy'],
    ['is not YAML', 'users: [{ token: hush-hush', undefined, 'is not YAML'],
  ])('that %s is refused with what is wrong', async (_what, text, context, message) => {
    const failure = await load(text, context).catch((error: unknown) => error);

    expect(failure).toMatchObject({
      family: 'Permanent',
      message: expect.stringContaining(message) as string,
    });
    expect(String(failure)).not.toContain('hush-hush');
  });

  test('that is not there is refused by its name', async () => {
    const loading = loadConnection({ kubeconfig: '/nowhere/config', env: {} });

    await expect(loading).rejects.toThrow('kubeconfig /nowhere/config cannot be read');
  });
});

describe('several kubeconfigs', () => {
  test('are merged: the first to name a thing wins, and one may be absent', async () => {
    await writeFile(file('one.yaml'), kubeconfig({ name: 'one', current: '' }));
    await writeFile(file('two.yaml'), kubeconfig({ name: 'two' }));
    const files = [file('one.yaml'), file('absent.yaml'), file('two.yaml')].join(delimiter);

    const current = await loadConnection({ env: { KUBECONFIG: files } });
    const chosen = await loadConnection({ env: { KUBECONFIG: files }, context: 'one' });

    expect(current.server).toBe('https://two.example:6443');
    expect(chosen.server).toBe('https://one.example:6443');
  });

  test('without a name are the one in the home folder', async () => {
    await writeFile(file('.kube/config'), kubeconfig({ name: 'home' }));

    const connection = await loadConnection({ env: { HOME: home } });

    expect(connection.server).toBe('https://home.example:6443');
  });
});

describe('inside a cluster', () => {
  test('the service account that is mounted says everything', async () => {
    await writeFile(file('token'), 't');
    await writeFile(file('namespace'), 'team\n');
    const env = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '6443' };

    expect(await isInCluster(env, home)).toBe(true);
    expect(await isInCluster({}, home)).toBe(false);
    expect(await isInCluster(env, '/nowhere')).toBe(false);
    expect(await inClusterConnection(env, home)).toMatchObject({
      server: 'https://[fd00::1]:6443',
      namespace: 'team',
      tls: { ca: { file: file('ca.crt') } },
      credentials: { type: 'token', token: { file: file('token') } },
    });
  });
});
