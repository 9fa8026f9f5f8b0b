import { readFileSync } from 'node:fs';
import { kinds } from '@millrace/crds';
import { customResourceDefinition } from '@millrace/crds/crd-yaml';
import { createMetrics } from '@millrace/kit/metrics';
import { describe, expect, it } from 'vitest';
import { capturedLog } from '../../test/captured-log.ts';
import { readExposition } from '../../test/exposition.ts';
import { ManualClock } from '../../test/manual-clock.ts';
import { createTelemetry } from '../machinery/telemetry.ts';
import type { KubeObject } from '../machinery/kube-api.ts';
import { apiCallMetrics } from './api-call-metrics.ts';
import { definitionsServed } from './definitions.ts';

/** Everything that is counted, with names in it that must not become labels. */
async function scraped(): Promise<string> {
  const metrics = createMetrics({});
  const telemetry = createTelemetry(capturedLog('info').log, metrics);
  const queue = telemetry.queueEvents('csv-import');
  const ref = { namespace: 'team', name: 'my-users' };
  queue.reconciled({ key: 'team/my-users', durationMs: 5 });
  queue.reconciled({ key: 'team/my-users', durationMs: 5, failure: new Error('x'), retryInMs: 1 });
  queue.queueDepth(1);
  telemetry.queueStarted('csv-import', () => 10);
  telemetry.watchStarted('jobs', () => 0);
  telemetry.watchRestarted({ type: 'jobs', reason: 'Gone' });
  telemetry.polled({ kind: 'csv-import', result: 'changed' });
  telemetry.stateChanged({ kind: 'csv-import', ...ref, from: 'A', to: 'B', why: 'team/my-users' });
  telemetry.drifted({ kind: 'csv-import', type: 'jobs', ...ref, by: ['my-users'] });
  telemetry.leadershipGained({ epoch: 3 });
  const calls = apiCallMetrics(metrics);
  const call = { verb: 'apply', type: 'jobs', durationMs: 12, isWrite: true };
  calls.called({ ...call, code: 200 });
  calls.called({ ...call, code: 'failed' });
  await definitionsServed({
    api: {
      get: () => Promise.resolve(customResourceDefinition(kinds[0]) as unknown as KubeObject),
    },
    kinds,
    namespace: 'team',
    clock: new ManualClock(),
    log: capturedLog('info').log,
    metrics,
    onWaiting: () => undefined,
    signal: new AbortController().signal,
  });
  return await metrics.metrics();
}

describe('the metrics of the operator', () => {
  it('are what a scraper can read, and say what an operator is judged by', async () => {
    const families = readExposition(await scraped());

    for (const [name, type] of [
      ['millrace_operator_reconcile_total', 'counter'],
      ['millrace_operator_reconcile_seconds', 'histogram'],
      ['millrace_operator_queue_depth', 'gauge'],
      ['millrace_operator_queue_oldest_seconds', 'gauge'],
      ['millrace_operator_watch_staleness_seconds', 'gauge'],
      ['millrace_operator_leader', 'gauge'],
      ['millrace_operator_leader_epoch', 'gauge'],
      ['millrace_operator_api_calls_total', 'counter'],
      ['millrace_operator_api_call_seconds', 'histogram'],
      ['nodejs_eventloop_lag_p50_seconds', 'gauge'],
      ['nodejs_eventloop_lag_p99_seconds', 'gauge'],
      ['nodejs_eventloop_lag_max_seconds', 'gauge'],
      ['process_resident_memory_bytes', 'gauge'],
    ]) {
      expect(families.get(String(name))?.type, name).toBe(type);
      expect(families.get(String(name))?.samples, name).not.toEqual([]);
    }
  });

  it('have only labels whose values are few', async () => {
    const text = await scraped();
    const ours = [...readExposition(text).values()].filter(({ name }) =>
      name.startsWith('millrace_'),
    );
    const labels = new Set(
      ours.flatMap(({ samples }) => samples.flatMap((s) => [...s.labels.keys()])),
    );

    expect([...labels].toSorted()).toEqual([
      'code',
      'kind',
      'le',
      'reason',
      'resource',
      'result',
      'to',
      'type',
      'verb',
    ]);
    expect(text).not.toContain('my-users');
  });

  it('are those that the README explains', async () => {
    const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
    const explained = [...readme.matchAll(/`(millrace_operator_\w+)`/g)].map(([, name]) => name);
    const ours = [...readExposition(await scraped()).keys()].filter((name) =>
      name.startsWith('millrace_'),
    );

    expect(new Set(explained)).toEqual(new Set(ours));
  });

  it.each([
    ['a sample of no family', 'x 1\n'],
    ['a family without a type', '# HELP x y\nx 1\n'],
    ['a value that is none', '# HELP x y\n# TYPE x gauge\nx many\n'],
    ['a quote in a label', '# HELP x y\n# TYPE x gauge\nx{a="b"c"} 1\n'],
    ['a series twice', '# HELP x y\n# TYPE x gauge\nx{a="b"} 1\nx{a="b"} 2\n'],
    ['a last line without its end', '# HELP x y\n# TYPE x gauge\nx 1'],
    [
      'buckets that shrink',
      '# HELP x y\n# TYPE x histogram\nx_bucket{le="1"} 2\nx_bucket{le="+Inf"} 1\nx_sum 1\nx_count 1\n',
    ],
  ])('would be refused for %s', (_what, text) => {
    expect(() => readExposition(text)).toThrow(Error);
  });
});
