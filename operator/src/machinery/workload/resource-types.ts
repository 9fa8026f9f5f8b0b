/** The built-in API types that kinds make or read; identity matters, caches are found by it. */
import type { ResourceType } from '../kube-api.ts';

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

/** What a resource owns and may prune. */
export const ownedTypes = [configMaps, jobs, deployments, services] as const;
