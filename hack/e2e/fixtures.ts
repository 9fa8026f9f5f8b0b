/**
 * What a namespace needs before a resource of Millrace can run in it, as Kubernetes objects: the
 * namespace itself, which lets no pod in that is not restricted, the backends Secret, and a claim
 * bound to a folder of this host. Pure: nothing is written here.
 */
import type { KubeObject } from '@millrace/operator/machinery/kube-api';

/** Pods that would need more than the restricted Pod Security Standard are refused by the API server. */
export function restrictedNamespace(name: string): object {
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } };
}

export interface FolderClaim {
  readonly namespace: string;
  readonly name: string;
  /** Of this host, which the node shares. */
  readonly folder: string;
}

/** Volume and claim, bound to each other by name: no provisioner takes part. */
export function folderClaim({ namespace, name, folder }: FolderClaim): readonly KubeObject[] {
  const storage = '1Gi';
  const volumeName = `${namespace}-${name}`;
  const volume = {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: volumeName, namespace: '' },
    spec: {
      capacity: { storage },
      accessModes: ['ReadOnlyMany'],
      persistentVolumeReclaimPolicy: 'Retain',
      storageClassName: '',
      claimRef: { namespace, name },
      hostPath: { path: folder, type: 'Directory' },
    },
  };
  const claim = {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name, namespace },
    spec: {
      accessModes: ['ReadOnlyMany'],
      storageClassName: '',
      volumeName,
      resources: { requests: { storage } },
    },
  };
  return [volume, claim];
}
