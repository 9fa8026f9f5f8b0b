/** The real controllers, which are what the contract describes. */
import type { KubeObject } from '@millrace/operator/machinery/kube-api';

import { vi } from 'vitest';

import { describeOnCluster, realNamespace } from '../../../operator/test/real-cluster.ts';
import { deploymentContract } from '../test/contract/deployment.ts';
import { jobContract } from '../test/contract/job.ts';
import { serviceContract } from '../test/contract/service.ts';
import type { ControllersTarget } from '../test/contract/target.ts';

const slices = {
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  plural: 'endpointslices',
};

interface Slice extends KubeObject {
  readonly endpoints?: readonly {
    readonly addresses: readonly string[];
    readonly conditions?: { readonly ready?: boolean };
  }[];
  readonly ports?: readonly { readonly port?: number }[];
}

function addressesOf(slice: Slice): readonly string[] {
  return (slice.endpoints ?? [])
    .filter(({ conditions }) => conditions?.ready !== false)
    .flatMap(({ addresses }) => addresses)
    .flatMap((address) => (slice.ports ?? []).map(({ port }) => `${address}:${String(port)}`));
}

const nodes = { apiVersion: 'v1', kind: 'Node', plural: 'nodes' };

/** A namespace and a node that nobody schedules to: pods name it themselves. */
async function onCluster(): Promise<ControllersTarget> {
  const { api, namespace, ...real } = await realNamespace();
  const metadata = { name: namespace, namespace: '' };
  const { apiVersion, kind } = nodes;
  await api.create(nodes, { apiVersion, kind, metadata, spec: { unschedulable: true } });
  return {
    api,
    namespace,
    node: namespace,
    async endpoints(service) {
      const labels = { 'kubernetes.io/service-name': service };
      const { items } = await api.list(slices, { namespace, labels });
      return items.flatMap((slice) => addressesOf(slice as Slice)).toSorted();
    },
    async [Symbol.asyncDispose]() {
      await api.delete(nodes, metadata);
      await real[Symbol.asyncDispose]();
    },
  };
}

// More than the contract's own patience, so that a failure says what it waited for.
vi.setConfig({ testTimeout: 120_000 });

describeOnCluster('the contract of the controllers, on a real controller manager', () => {
  deploymentContract(onCluster);
  jobContract(onCluster);
  serviceContract(onCluster);
});
