/** The API types that this kind reads or writes; identity matters, caches are found by it. */
import { apiVersion } from '@millrace/crds/define-kind';
import type { ResourceType } from '../../machinery/kube-api.ts';

export const csvImports: ResourceType = { apiVersion, kind: 'CsvImport', plural: 'csvimports' };
export const configMaps: ResourceType = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
};
export const jobs: ResourceType = { apiVersion: 'batch/v1', kind: 'Job', plural: 'jobs' };
export const deployments: ResourceType = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  plural: 'deployments',
};
export const services: ResourceType = { apiVersion: 'v1', kind: 'Service', plural: 'services' };
export const pods: ResourceType = { apiVersion: 'v1', kind: 'Pod', plural: 'pods' };
export const secrets: ResourceType = { apiVersion: 'v1', kind: 'Secret', plural: 'secrets' };
export const claims: ResourceType = {
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  plural: 'persistentvolumeclaims',
};

/** What a CsvImport owns and may prune. */
export const ownedTypes = [configMaps, jobs, deployments, services] as const;
