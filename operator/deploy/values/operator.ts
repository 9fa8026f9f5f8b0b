/**
 * The operator: its scope, its settings and its pods. The settings are those of its configuration
 * loader, but for what the chart itself knows; a new one there is a new value here.
 */
import { configSchema, defaults } from '../../src/config.ts';
import { settings } from './settings.ts';
import { choice, flag, group, integer, kubernetesObject, textList } from './value.ts';

export const watchValues = group('Which namespaces the operator works in.', {
  scope: choice({
    default: 'cluster',
    oneOf: ['cluster', 'namespaces', 'own'],
    description:
      'cluster: all, by a ClusterRole. namespaces: those below, by a Role in each. own: that of the release, by a Role.',
  }),
  namespaces: textList(
    {
      default: [],
      description:
        'For the scope namespaces: which; each must exist before the chart is installed.',
    },
    { pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$', maxLength: 63 },
  ),
});

export const configValues = settings(
  'Settings of the operator; operator/README.md says what each is good for.',
  { schema: configSchema, values: defaults, path: [] },
);

export const operatorPodValues = {
  replicas: integer({
    default: 2,
    minimum: 1,
    maximum: 10,
    description: 'Operators; one leads, the others stand by with warm caches and take over.',
  }),
  resources: kubernetesObject({
    default: { requests: { cpu: '50m', memory: '128Mi' }, limits: { memory: '512Mi' } },
    description:
      'Of the operator. Its heap ends at 384 MiB by itself, so a limit stays above that.',
  }),
};

export const budgetValues = group(
  'Budgets for disruptions, where there are two replicas or more.',
  {
    enabled: flag({ default: true, description: 'Whether there are any.' }),
    maxUnavailable: integer({
      default: 1,
      minimum: 1,
      maximum: 10,
      description: 'How many of each Deployment a drain may take away at a time.',
    }),
  },
);

export const topologyValues = group('How replicas are spread over nodes and zones.', {
  enabled: flag({ default: true, description: 'Whether they are.' }),
  whenUnsatisfiable: choice({
    default: 'ScheduleAnyway',
    oneOf: ['ScheduleAnyway', 'DoNotSchedule'],
    description: 'DoNotSchedule insists, and needs at least as many nodes as replicas.',
  }),
});
