/** The API types that this kind alone reads; identity matters, caches are found by it. */
import { apiVersion } from '@millrace/crds/define-kind';
import type { ResourceType } from '../../machinery/kube-api.ts';

export const csvImports: ResourceType = { apiVersion, kind: 'CsvImport', plural: 'csvimports' };
export const claims: ResourceType = {
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  plural: 'persistentvolumeclaims',
};
