import { createLog } from '@millrace/kit/log';
import { createMetrics } from '@millrace/kit/metrics';
import { describe, expect, it } from 'vitest';
import { createTelemetry } from './telemetry.ts';

describe('telemetry', () => {
  it('counts passes by result and never names a resource in a label', async () => {
    const metrics = createMetrics({});
    const telemetry = createTelemetry(createLog({ level: 'silent', bindings: {} }), metrics);
    const queue = telemetry.queueEvents('things');

    queue.reconciled({ key: 'team/users', durationMs: 5 });
    queue.reconciled({ key: 'team/users', durationMs: 5, failure: new Error('x'), retryInMs: 1 });
    queue.queueDepth(3);
    telemetry.watchRestarted({ type: 'jobs', reason: 'Gone' });
    telemetry.polled({ kind: 'things', result: 'failed' });

    const text = await metrics.metrics();
    for (const line of [
      'millrace_operator_reconcile_total{kind="things",result="done"} 1',
      'millrace_operator_reconcile_total{kind="things",result="failed"} 1',
      'millrace_operator_queue_depth{kind="things"} 3',
      'millrace_operator_watch_restarts_total{type="jobs",reason="Gone"} 1',
      'millrace_operator_progress_polls_total{kind="things",result="failed"} 1',
    ]) {
      expect(text).toContain(line);
    }
    expect(text).not.toContain('users');
  });

  it('reads how stale a cache is when it is scraped, since a hung watch tells nobody', async () => {
    const metrics = createMetrics({});
    const telemetry = createTelemetry(createLog({ level: 'silent', bindings: {} }), metrics);
    let staleMs = 0;
    telemetry.watchStarted('jobs', () => staleMs);
    telemetry.watchStarted('jobs', () => 0);

    staleMs = 90_000;

    expect(await metrics.metrics()).toContain(
      'millrace_operator_watch_staleness_seconds{type="jobs"} 90',
    );
  });
});
