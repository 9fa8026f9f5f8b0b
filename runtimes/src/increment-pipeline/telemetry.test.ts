import { createLog } from '@millrace/kit/log';
import { createMetrics } from '@millrace/kit/metrics';
import { expect, it } from 'vitest';
import { incrementPipelineTelemetry } from './telemetry.ts';

const log = createLog({ level: 'silent', bindings: {}, fd: 2 });

it('looks at the pipeline when its gauges are read', async () => {
  const metrics = createMetrics({});
  const telemetry = incrementPipelineTelemetry(log, metrics);
  let looks = 0;
  telemetry.scrapedAfter(async () => {
    looks += 1;
    telemetry.looked({
      state: 'Running',
      totals: {
        accepted: 9,
        committed: 2,
        duplicates: 0,
        deadLetters: 0,
        lost: 0,
        incarnations: 0,
      },
      backlog: { entries: 1, increments: 7, bytes: 300, maxBytes: 1_000 },
      stalenessMs: 2_500,
      rates: {},
      partitions: { total: 1, owned: 1 },
      members: { gateways: 1, workers: 1 },
      durability: { ok: true },
      backends: [],
    });
  });

  const text = await metrics.metrics();

  expect(looks).toBeGreaterThan(0);
  expect(text).toContain('millrace_increment_staleness_seconds 2.5\n');
  expect(text).toContain('millrace_increment_backlog 7\n');
  expect(text).toContain('millrace_increment_streams_bytes 300\n');
  expect(text).toContain('millrace_increment_streams_bytes_max 1000\n');
});

it('counts what became of increments, with labels from closed sets', async () => {
  const metrics = createMetrics({});
  const telemetry = incrementPipelineTelemetry(log, metrics);

  telemetry.appended({ requests: 3, increments: 40, durationMs: 2 });
  telemetry.requestRefused('BadValue');
  telemetry.incarnationBegan({ partition: 1, incarnation: 2, lost: 5 });
  telemetry.flushed({
    partition: 1,
    committed: 30,
    duplicates: 2,
    keys: 7,
    durationMs: 20,
    stalenessMs: 900,
  });
  telemetry.deadLettered({ partition: 1, reason: 'SumOverflow', increments: 8 });
  const text = await metrics.metrics();

  for (const line of [
    'millrace_increment_accepted_total 40',
    'millrace_increment_group_requests_sum 3',
    'millrace_increment_refused_total{code="BadValue"} 1',
    'millrace_increment_incarnations_total 1',
    'millrace_increment_lost_total 5',
    'millrace_increment_committed_total 30',
    'millrace_increment_duplicates_total 2',
    'millrace_increment_commit_staleness_seconds_sum 0.9',
    'millrace_increment_dead_letters_total{reason="SumOverflow"} 8',
  ]) {
    expect(text).toContain(`${line}\n`);
  }
});
