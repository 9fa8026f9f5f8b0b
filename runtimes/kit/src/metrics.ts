/** The registry is made here and passed in, never global, so that two of anything can live in one process. */
import { collectDefaultMetrics, Registry } from 'prom-client';

export { Counter, Gauge, Histogram } from 'prom-client';
export type Metrics = Registry;

/**
 * How often the event loop is looked at, in milliseconds. The library's own tenth of that wakes an idle
 * process a hundred times a second, and takes one percent of a busy one.
 */
const eventLoopTimings = { eventLoopMonitoringPrecision: 100, eventLoopUtilizationTimeout: 1_000 };

export function createMetrics(labels: Readonly<Record<string, string>>): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ ...labels });
  collectDefaultMetrics({ register: registry, ...eventLoopTimings });
  return registry;
}
