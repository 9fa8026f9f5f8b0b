/** What the Prometheus operator is told, where it is installed. */
import { flag, group } from './value.ts';

export const monitoringValues = group(
  'Objects of the Prometheus operator, where it is installed.',
  {
    serviceMonitor: group('Scraping of operator and metrics API.', {
      enabled: flag({ default: false, description: 'Whether there is one.' }),
    }),
    podMonitor: group('Scraping of the pods that the operator makes.', {
      enabled: flag({ default: false, description: 'Whether there is one.' }),
    }),
  },
);
