/** Who we are to a real API server: certificates, tokens, and files that are replaced on the way. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@millrace/kit/clock';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { configMap, configMaps, name } from '../../test/contract/target.ts';
import { ManualClock } from '../../test/manual-clock.ts';
import { describeOnCluster, realNamespace, type RealNamespace } from '../../test/real-cluster.ts';
import { loadConnection, type Connection } from './connection.ts';
import { createHttpApi } from './http-api.ts';

describeOnCluster('a connection to a real API server', () => {
  let cluster: RealNamespace;
  let given: Connection;
  let folder: string;
  const file = (own: string) => join(folder, own);

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace-kube-'));
    cluster = await realNamespace();
    given = await loadConnection({ kubeconfig: cluster.kubeconfig, env: {} });
  });
  afterEach(async () => {
    await cluster[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  /** What a pod is given, in files. */
  async function asServiceAccount(): Promise<Connection> {
    const { ca } = given.tls;
    if (ca === undefined) throw new Error('the kubeconfig names no certificate authority');
    const certificates = 'text' in ca ? ca.text : await readFile(ca.file, 'utf8');
    const { stdout } = await cluster.kubectl(['create', 'token', 'default']);
    await writeFile(file('ca.crt'), certificates);
    await writeFile(file('token'), stdout);
    return {
      ...given,
      tls: { ca: { file: file('ca.crt') } },
      credentials: { type: 'token', token: { file: file('token') } },
    };
  }

  const ref = () => ({ namespace: cluster.namespace, name });

  test('by token file is the service account, with no more than its rights', async () => {
    const connection = await asServiceAccount();
    const api = createHttpApi({ connection, clock: systemClock });

    const before = api.get(configMaps, ref());
    await expect(before).rejects.toMatchObject({
      reason: 'Forbidden',
      message: expect.stringContaining(`${cluster.namespace}:default`) as string,
    });
    const account = `--serviceaccount=${cluster.namespace}:default`;
    await cluster.kubectl(['create', 'rolebinding', 'edit', '--clusterrole=edit', account]);

    await expect.poll(async () => await api.get(configMaps, ref()).catch(String)).toBeUndefined();
    await api.close();
  });

  test('with a wrong token is told so, and goes on once the file has the right one', async () => {
    const connection = await asServiceAccount();
    const right = await readFile(file('token'), 'utf8');
    await writeFile(file('token'), 'not-a-token');
    const api = createHttpApi({ connection, clock: new ManualClock() });

    await expect(api.get(configMaps, ref())).rejects.toMatchObject({ reason: 'Unauthorized' });
    await writeFile(file('token'), right);

    await expect(api.get(configMaps, ref())).rejects.toMatchObject({ reason: 'Forbidden' });
    await api.close();
  });

  test('does not trust a server of another authority, and does once its own is in the file', async () => {
    const connection = await asServiceAccount();
    const right = await readFile(file('ca.crt'), 'utf8');
    await writeFile(file('ca.crt'), '');
    const api = createHttpApi({ connection, clock: new ManualClock() });

    await expect(api.get(configMaps, ref())).rejects.toMatchObject({ reason: 'Unavailable' });
    await writeFile(file('ca.crt'), right);

    await expect(api.get(configMaps, ref())).rejects.toMatchObject({ reason: 'Forbidden' });
    await api.close();
  });

  test('goes on with replaced certificates while a watch of before goes on too', async () => {
    const connection = await asServiceAccount();
    const account = `--serviceaccount=${cluster.namespace}:default`;
    await cluster.kubectl(['create', 'rolebinding', 'edit', '--clusterrole=edit', account]);
    const clock = new ManualClock();
    const api = createHttpApi({ connection, clock });
    const list = async () => await api.list(configMaps, { namespace: cluster.namespace });
    await expect.poll(async () => await list().then(() => 'allowed', String)).toBe('allowed');
    const { resourceVersion } = await list();
    const { signal } = new AbortController();
    const watch = api
      .watch(configMaps, { namespace: cluster.namespace, resourceVersion, signal })
      [Symbol.asyncIterator]();
    const next = watch.next();

    await writeFile(file('ca.crt'), `${await readFile(file('ca.crt'), 'utf8')}\n`);
    await clock.advance(61_000);
    await api.create(configMaps, configMap(cluster.namespace, { a: '1' }));

    expect((await next).value).toMatchObject({ type: 'ADDED', object: { metadata: { name } } });
    await watch.return?.();
    await api.close();
  });
});
