import { createLog } from '@millrace/kit/log';
import { createMetrics } from '@millrace/kit/metrics';
import { describe, expect, it } from 'vitest';
import { capturedLog } from '../../test/captured-log.ts';
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
    telemetry.watchRestarted({ type: 'jobs', reason: 'Forbidden' });

    expect(await metrics.metrics()).toContain(
      'millrace_operator_watch_staleness_seconds{type="jobs"} 90',
    );
    expect(telemetry.staleMs()).toBe(90_000);
    expect(telemetry.staleTypes()).toEqual(['jobs: Forbidden']);
    staleMs = 0;
    expect(telemetry.staleTypes()).toEqual([]);
  });

  it('says a change of state once, in the log and in a count without names', async () => {
    const metrics = createMetrics({});
    const { log, lines } = capturedLog('info');
    const telemetry = createTelemetry(log, metrics);
    const change = { kind: 'things', namespace: 'team', name: 'users', why: 'a pod is missing' };

    telemetry.stateChanged({ ...change, from: undefined, to: 'Waiting' });
    telemetry.drifted({ ...change, type: 'jobs', by: ['kubectl-edit'] });

    expect(lines()).toMatchObject([
      { level: 'info', name: 'users', to: 'Waiting', why: 'a pod is missing' },
      { level: 'info', type: 'jobs', by: ['kubectl-edit'] },
    ]);
    const text = await metrics.metrics();
    expect(text).toContain('millrace_operator_state_changes_total{kind="things",to="Waiting"} 1');
    expect(text).toContain(
      'millrace_operator_drift_corrections_total{kind="things",type="jobs"} 1',
    );
    expect(text).not.toContain('users');
  });

  it('keeps the epoch of a leadership that was lost, so that the next one can be told from it', async () => {
    const metrics = createMetrics({});
    const telemetry = createTelemetry(createLog({ level: 'silent', bindings: {} }), metrics);

    telemetry.leadershipGained({ epoch: 7 });
    expect(await metrics.metrics()).toContain('millrace_operator_leader 1');
    telemetry.leadershipLost({ epoch: 7, why: 'not renewed in time' });

    expect(await metrics.metrics()).toContain('millrace_operator_leader 0');
    expect(await metrics.metrics()).toContain('millrace_operator_leader_epoch 7');
  });

  it('tells what to do when a type is not served, and reads the age of the oldest key', async () => {
    const metrics = createMetrics({});
    const { log, lines } = capturedLog('info');
    const telemetry = createTelemetry(log, metrics);

    telemetry.watchRestarted({ type: 'things', reason: 'NotFound' });
    telemetry.queueStarted('things', () => 1_500);

    expect(lines()).toMatchObject([{ msg: expect.stringContaining('apply its definition') }]);
    expect(await metrics.metrics()).toContain(
      'millrace_operator_queue_oldest_seconds{kind="things"} 1.5',
    );
  });
});
