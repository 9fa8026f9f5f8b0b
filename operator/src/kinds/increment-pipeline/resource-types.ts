/** The API type of this kind; identity matters, caches are found by it. */
import { apiVersion } from '@millrace/crds/define-kind';
import type { ResourceType } from '../../machinery/kube-api.ts';

export const incrementPipelines: ResourceType = {
  apiVersion,
  kind: 'IncrementPipeline',
  plural: 'incrementpipelines',
};
