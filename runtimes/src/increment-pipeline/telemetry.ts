/**
 * The events of a IncrementPipeline's processes: each logs and counts in one place. Labels are bounded, and no
 * event carries a value of a row, a URL or a message of a driver.
 */
import type { Log } from '@millrace/kit/log';
import { Counter, type Metrics } from '@millrace/kit/metrics';

export interface IncrementPipelineTelemetry {
  started(): void;
}

export function incrementPipelineTelemetry(log: Log, metrics: Metrics): IncrementPipelineTelemetry {
  const starts = new Counter({
    name: 'millrace_increment_pipeline_starts_total',
    help: 'Times that the work was begun.',
    registers: [metrics],
  });
  return {
    started: () => {
      starts.inc();
      log.info({}, 'work begins');
    },
  };
}
