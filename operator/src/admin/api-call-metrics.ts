/**
 * Calls to the API server, counted by verb, resource and code, and their seconds. Labels are bounded:
 * verbs are the port's, resources are the types that some kind uses, codes are HTTP's.
 */
import { Counter, Histogram, type Metrics } from '@millrace/kit/metrics';
import type { ApiCallEvents } from '../kube/transport.ts';

export function apiCallMetrics(metrics: Metrics): ApiCallEvents {
  const calls = new Counter({
    name: 'millrace_operator_api_calls_total',
    help: 'Calls to the API server by verb, resource and HTTP code; failed: no answer came.',
    labelNames: ['verb', 'resource', 'code'],
    registers: [metrics],
  });
  const seconds = new Histogram({
    name: 'millrace_operator_api_call_seconds',
    help: 'How long calls to the API server take; a watch counts until its first byte.',
    labelNames: ['verb', 'resource'],
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 30],
    registers: [metrics],
  });
  return {
    called: ({ verb, type, code, durationMs }) => {
      calls.inc({ verb, resource: type, code: String(code) });
      seconds.observe({ verb, resource: type }, durationMs / 1_000);
    },
  };
}
