/** The server of the external metrics API, which a HorizontalPodAutoscaler asks for workers needed. */
import { flag, group, integer, kubernetesObject } from './value.ts';

export const metricsApiValues = group(
  'The external metrics API, through which a HorizontalPodAutoscaler scales workers.',
  {
    enabled: flag({
      default: true,
      description:
        'Needs rights in the whole cluster, whatever the scope. Another server of this API is left alone, and workers are then scaled directly.',
    }),
    replicas: integer({
      default: 2,
      minimum: 1,
      maximum: 10,
      description: 'All of them answer.',
    }),
    resources: kubernetesObject({
      default: { requests: { cpu: '25m', memory: '96Mi' }, limits: { memory: '384Mi' } },
      description: 'Of each.',
    }),
  },
);
