/** The API types that this kind reads or writes; identity matters, caches are found by it. */
import { apiVersion } from '@millrace/crds/define-kind';
import type { ResourceType } from '../../machinery/kube-api.ts';

export const incrementPipelines: ResourceType = {
  apiVersion,
  kind: 'IncrementPipeline',
  plural: 'incrementpipelines',
};

/** What a IncrementPipeline owns and may prune. */
export const ownedTypes: readonly ResourceType[] = [];
