/** Metadata that every child shares: where it is, whose it is, and what it is part of. */
import { apiVersion } from '@millrace/crds/define-kind';
import type { ObjectMeta } from '../../../machinery/kube-api.ts';
import { labels, type Owner } from '../names.ts';

export function metadata(owner: Owner, name: string): ObjectMeta {
  return {
    namespace: owner.namespace,
    name,
    labels: labels(owner),
    ownerReferences: [
      {
        apiVersion,
        kind: 'IncrementPipeline',
        name: owner.name,
        uid: owner.uid,
        controller: true,
        blockOwnerDeletion: true,
      },
    ],
  };
}
