/** Play's own controllers, on the API in memory, held to the contract of the real ones. */
import { randomUUID } from 'node:crypto';

import { systemClock } from '@millrace/kit/clock';
import { createMemoryApi } from '@millrace/operator/memory/memory-api';
import { describe, onTestFailed, vi } from 'vitest';

import { startControlLoop } from './control-loop.ts';
import { deploymentContract } from '../test/contract/deployment.ts';
import { jobContract } from '../test/contract/job.ts';
import { serviceContract } from '../test/contract/service.ts';
import { drainFinalizer, type ControllersTarget } from '../test/contract/target.ts';
import { startControllers } from './controller-manager.ts';
import { clusterBackoff } from './job.ts';
import { endpointsOf, type Service } from './service.ts';
import { asPod, isTerminating, podType, serviceType } from './workload.ts';

async function inMemory(): Promise<ControllersTarget> {
  const stop = new AbortController();
  const { signal } = stop;
  const api = createMemoryApi({ now: () => Date.now(), newUid: () => randomUUID() });
  const problems: unknown[] = [];
  const onError = (error: unknown): void => void problems.push(error);
  const controllers = startControllers({
    api,
    clock: systemClock,
    backoff: clusterBackoff,
    signal,
    admit: async (pod) => pod,
    onError,
  });
  // Stands for play's supervisor, which lets the object of a deleted pod go when its processes ended.
  const supervisor = startControlLoop({
    api,
    watched: [podType],
    signal,
    onError,
    reconcile: async () => {
      for (const { metadata } of (await api.list(podType)).items.filter(isTerminating)) {
        if (metadata.finalizers?.includes(drainFinalizer) === true) continue;
        await api.patch(podType, metadata, { metadata: { finalizers: [] } });
      }
      return undefined;
    },
  });
  onTestFailed(() => {
    for (const problem of problems) console.error(problem);
  });
  return {
    api,
    namespace: 'default',
    node: 'this-host',
    async endpoints(name) {
      const service = await api.get(serviceType, { namespace: 'default', name });
      if (service === undefined) return [];
      const pods = (await api.list(podType)).items.map(asPod);
      const { ports } = (service as Service).spec;
      return (ports ?? [])
        .flatMap((port) => endpointsOf(service as Service, port, pods))
        .map(({ host, port }) => `${host}:${String(port)}`)
        .toSorted();
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await Promise.all([controllers.ended, supervisor.ended]);
    },
  };
}

// More than the contract's own patience, so that a failure says what it waited for.
vi.setConfig({ testTimeout: 120_000 });

describe('the contract of the controllers, on those of play', () => {
  deploymentContract(inMemory);
  jobContract(inMemory);
  serviceContract(inMemory);
});
