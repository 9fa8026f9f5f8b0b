/**
 * What the Prometheus operator is told, where it is installed: rendered only when the flag is set and
 * the cluster serves monitoring.coreos.com/v1.
 */
import { flag, group, text, textMap } from './value.ts';

const interval = text({
  default: '30s',
  pattern: '^[0-9]+(ms|s|m)$',
  description: 'Time between two scrapes.',
});

function labels(what: string) {
  return textMap({
    default: {},
    description: `More labels of the ${what}, by which a Prometheus selects it.`,
  });
}

export const monitoringValues = group(
  'Objects of the Prometheus operator, where it is installed.',
  {
    serviceMonitor: group('Scraping of operator and metrics API.', {
      enabled: flag({ default: false, description: 'Whether there is one.' }),
      interval,
      labels: labels('ServiceMonitor'),
    }),
    podMonitor: group('Scraping of the pods that the operator makes.', {
      enabled: flag({ default: false, description: 'Whether there is one.' }),
      interval,
      labels: labels('PodMonitor'),
    }),
    rules: group('The few alerts that somebody should be woken for.', {
      enabled: flag({ default: false, description: 'Whether there are any.' }),
      labels: labels('PrometheusRule'),
      runbookUrl: text({
        default: '',
        description: 'Where alerts are explained; each adds its name behind a #.',
      }),
    }),
  },
);
