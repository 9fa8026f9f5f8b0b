import { randomUUID } from 'node:crypto';
import { kinds } from '@millrace/crds';
import { customResourceDefinition } from '@millrace/crds/crd-yaml';
import { kubeApiContract } from '../../test/kube-api-contract.ts';
import { createMemoryApi } from './memory-api.ts';

kubeApiContract('the API in memory', () =>
  Promise.resolve({
    api: createMemoryApi({
      now: () => Date.now(),
      newUid: () => randomUUID(),
      kinds: kinds.map(customResourceDefinition),
    }),
    namespace: 'contract',
  }),
);
