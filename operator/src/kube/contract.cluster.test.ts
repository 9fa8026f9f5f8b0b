/** The contract of the port on a real API server: each test in a namespace of its own. */
import { randomBytes } from 'node:crypto';
import { systemClock } from '@millrace/kit/clock';
import { afterAll } from 'vitest';
import { configMaps } from '../../test/contract/target.ts';
import { kubeApiContract } from '../../test/kube-api-contract.ts';
import { describeOnCluster, givenCluster } from '../../test/real-cluster.ts';
import { loadConnection } from './connection.ts';
import { createHttpApi, type HttpKubeApi } from './http-api.ts';

const namespaces = { apiVersion: 'v1', kind: 'Namespace', plural: 'namespaces' };

describeOnCluster('a real API server', () => {
  let opened: Promise<HttpKubeApi> | undefined;
  const made: string[] = [];

  kubeApiContract('a real API server', async () => {
    opened ??= open();
    const api = await opened;
    const name = `contract-${randomBytes(6).toString('hex')}`;
    const metadata = { namespace: '', name };
    await api.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata });
    made.push(name);
    await hasRootCertificates(api, name);
    // Older than anything that the server has seen since it started.
    return { api, namespace: name, tooOld: () => Promise.resolve('1') };
  });

  afterAll(async () => {
    const api = await opened;
    if (api === undefined) return;
    await Promise.all(made.map((name) => api.delete(namespaces, { namespace: '', name })));
    await api.close();
  });

  /** The controller manager puts them into each namespace, in the middle of a test otherwise. */
  async function hasRootCertificates(api: HttpKubeApi, namespace: string): Promise<void> {
    const { resourceVersion, items } = await api.list(configMaps, { namespace });
    if (items.length > 0) return;
    const { signal } = new AbortController();
    for await (const event of api.watch(configMaps, { namespace, resourceVersion, signal })) {
      if (event.type === 'ADDED') return;
    }
  }

  async function open(): Promise<HttpKubeApi> {
    const { kubeconfig } = givenCluster();
    const connection = await loadConnection({ kubeconfig, env: {} });
    return createHttpApi({ connection, clock: systemClock });
  }
});
