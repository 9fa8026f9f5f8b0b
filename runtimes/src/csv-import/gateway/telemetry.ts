/** What the gateway counts and logs beyond HTTP itself. */
import { Counter, Gauge } from '@millrace/kit/metrics';
import type { Log } from '@millrace/kit/log';
import type { Metrics } from '@millrace/kit/metrics';
import type { CacheOutcome } from '../cache.ts';
import type { DependencyChange } from './health.ts';

export interface GatewayTelemetry {
  readonly cacheRead: (outcome: CacheOutcome) => void;
  readonly dependencyChanged: (change: DependencyChange) => void;
  readonly drained: () => void;
}

export function gatewayTelemetry(log: Log, metrics: Metrics): GatewayTelemetry {
  // Added up here and handed over when somebody looks: the counter would cost more than the look-up's key.
  const looked: Record<CacheOutcome, number> = { hit: 0, miss: 0, error: 0 };
  void new Counter({
    name: 'millrace_cache_reads_total',
    help: 'Rows looked up in the cache: hit, miss, or error (then read from Postgres).',
    labelNames: ['result'],
    registers: [metrics],
    collect() {
      for (const result of ['hit', 'miss', 'error'] as const) {
        if (looked[result] > 0) this.inc({ result }, looked[result]);
        looked[result] = 0;
      }
    },
  });
  const up = new Gauge({
    name: 'millrace_dependency_up',
    help: '1 while the dependency answers.',
    labelNames: ['dependency'],
    registers: [metrics],
  });
  return {
    cacheRead: (result) => {
      looked[result] += 1;
    },
    dependencyChanged: ({ dependency, ok, reason }) => {
      up.set({ dependency }, ok ? 1 : 0);
      if (ok) log.info({ dependency }, 'dependency answers');
      else log.warn({ dependency, reason }, 'dependency does not answer');
    },
    drained: () => log.info('gateway drained'),
  };
}
