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
export const autoscalers: ResourceType = {
  apiVersion: 'autoscaling/v2',
  kind: 'HorizontalPodAutoscaler',
  plural: 'horizontalpodautoscalers',
};
/** Served where KEDA is. */
export const scaledObjects: ResourceType = {
  apiVersion: 'keda.sh/v1alpha1',
  kind: 'ScaledObject',
  plural: 'scaledobjects',
};
/** Two types, so that each is a cache of its own: of each, one object is read. */
export const externalMetricsServices: ResourceType = {
  apiVersion: 'apiregistration.k8s.io/v1',
  kind: 'APIService',
  plural: 'apiservices',
};
export const kedaServices: ResourceType = { ...externalMetricsServices };

/** What a resource owns and may prune, in every cluster. */
export const ownedTypes = [configMaps, jobs, deployments, services, autoscalers] as const;
