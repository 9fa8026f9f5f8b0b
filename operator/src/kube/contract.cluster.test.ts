/** The contract of the port on a real API server: each test in a namespace of its own. */
import { randomBytes } from 'node:crypto';
import { systemClock } from '@millrace/kit/clock';
import { afterAll } from 'vitest';
import { configMaps, csvImports } from '../../test/contract/target.ts';
import { kubeApiContract } from '../../test/kube-api-contract.ts';
import { describeOnCluster, givenCluster } from '../../test/real-cluster.ts';
import type { ResourceType } from '../machinery/kube-api.ts';
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
    for (const type of [configMaps, csvImports]) await releaseAll(api, type);
    await api.close();
  });

  /** A namespace stays for as long as anything in it waits for a finalizer. */
  async function releaseAll(api: HttpKubeApi, type: ResourceType): Promise<void> {
    const { items } = await api.list(type);
    const own = items.filter(
      ({ metadata }) => made.includes(metadata.namespace) && metadata.finalizers !== undefined,
    );
    const patch = { metadata: { finalizers: null } };
    await Promise.all(own.map(async ({ metadata }) => await api.patch(type, metadata, patch)));
  }

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
