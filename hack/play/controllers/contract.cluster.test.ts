/** The real controllers, which are what the contract describes. */
import { describeOnCluster, realNamespace } from '../../../operator/test/real-cluster.ts';
import { deploymentContract } from '../test/contract/deployment.ts';
import { jobContract } from '../test/contract/job.ts';
import type { ControllersTarget } from '../test/contract/target.ts';

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
    async [Symbol.asyncDispose]() {
      await api.delete(nodes, metadata);
      await real[Symbol.asyncDispose]();
    },
  };
}

describeOnCluster('the contract of the controllers, on a real controller manager', () => {
  deploymentContract(onCluster);
  jobContract(onCluster);
});
