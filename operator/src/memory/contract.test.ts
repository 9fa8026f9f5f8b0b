import { randomUUID } from 'node:crypto';
import { kinds } from '@millrace/crds';
import { customResourceDefinition } from '@millrace/crds/crd-yaml';
import { configMap, configMaps } from '../../test/contract/target.ts';
import { kubeApiContract } from '../../test/kube-api-contract.ts';
import { createMemoryApi } from './memory-api.ts';

kubeApiContract('the API in memory', () => {
  const namespace = 'contract';
  const api = createMemoryApi({
    now: () => Date.now(),
    newUid: () => randomUUID(),
    kinds: kinds.map(customResourceDefinition),
  });
  const tooOld = async () => {
    const { resourceVersion } = await api.list(configMaps, { namespace });
    await api.create(configMaps, configMap(namespace, {}));
    api.compact();
    return resourceVersion;
  };
  return Promise.resolve({ api, namespace, tooOld });
});
