/** Metadata that every child shares: where it is, whose it is, and what it is part of. */
import { apiVersion } from '@millrace/crds/define-kind';
import type { ObjectMeta } from '../../../machinery/kube-api.ts';
import { labels, type Owner, type Role } from '../names.ts';

export interface ChildName {
  readonly name: string;
  readonly component: Role | 'config';
  readonly annotations?: Readonly<Record<string, string>>;
}

export function metadata(owner: Owner, child: ChildName): ObjectMeta {
  return {
    namespace: owner.namespace,
    name: child.name,
    labels: labels(owner, child.component),
    ...(child.annotations === undefined ? {} : { annotations: child.annotations }),
    ownerReferences: [
      {
        apiVersion,
        kind: 'CsvImport',
        name: owner.name,
        uid: owner.uid,
        controller: true,
        blockOwnerDeletion: true,
      },
    ],
  };
}
