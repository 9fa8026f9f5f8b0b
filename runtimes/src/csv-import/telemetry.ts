/**
 * The events of an import's coordinator and workers: each logs and counts in one place.
 *
 * Labels are bounded (reasons and outcomes from closed sets, never ids). No event carries a value of
 * a row, a URL or a message of a driver.
 */
import { Counter, Gauge, Histogram } from '@millrace/kit/metrics';
import type { Failure } from '@millrace/kit/failure';
import type { Log } from '@millrace/kit/log';
import type { Metrics } from '@millrace/kit/metrics';
import type { ChunkResult } from '../chunks/claim.ts';

export interface ChunkEvent {
  readonly chunk: number;
  readonly bytes: number;
  readonly durationMs: number;
  readonly result: ChunkResult;
}

export interface TrialEvent {
  readonly chunk: number;
  /** Numbers of records in the chunk. */
  readonly from: number;
  readonly to: number;
  readonly end: { readonly end: string; readonly cause?: string };
}

export interface ImportTelemetry {
  chunkStarted(): void;
  chunkEnded(): void;
  chunkLoaded(event: ChunkEvent): void;
  /** There was nothing to load: done already, held elsewhere, or the import takes no more. */
  chunkSkipped(chunk: number, why: string): void;
  chunkFailed(chunk: number, failure: Failure): void;
  /** Workers before this one were not heard of again; the chunk is tried by parts from here on. */
  chunkIsolated(chunk: number, unheard: number): void;
  trialEnded(event: TrialEvent): void;
  messageRefused(reason: string): void;
  waiting(failure: Failure, waitMs: number): void;
  /** After a chunk: the share of its time that a worker works, and the pause it makes for it. */
  paced(share: number, pauseMs: number): void;
  stateChanged(state: string, reason: string | undefined): void;
  chunksPublished(count: number): void;
  chunksRepublished(count: number): void;
  /** The queue took messages and confirmed none; the next number takes its place. */
  queueReplaced(number: number): void;
}

/** From one small chunk on a fast disk to a large one on a slow server. */
const secondsBuckets = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

function createInstruments(metrics: Metrics) {
  const registers = [metrics];
  return {
    rows: new Counter({
      name: 'millrace_csv_import_rows_total',
      help: 'Records of committed chunks by what became of them.',
      labelNames: ['outcome'] as const,
      registers,
    }),
    rejects: new Counter({
      name: 'millrace_csv_import_rejects_total',
      help: 'Rejected records of committed chunks by reason.',
      labelNames: ['reason'] as const,
      registers,
    }),
    bytes: new Counter({
      name: 'millrace_csv_import_bytes_total',
      help: 'Bytes of committed chunks.',
      registers,
    }),
    chunks: new Counter({
      name: 'millrace_csv_import_chunks_total',
      help: 'Deliveries by outcome.',
      labelNames: ['outcome'] as const,
      registers,
    }),
    seconds: new Histogram({
      name: 'millrace_csv_import_chunk_seconds',
      help: 'From claim to commit of one chunk.',
      buckets: secondsBuckets,
      registers,
    }),
    inFlight: new Gauge({
      name: 'millrace_csv_import_chunks_in_flight',
      help: 'Chunks being loaded by this process.',
      registers,
    }),
    lastSuccess: new Gauge({
      name: 'millrace_csv_import_last_success_timestamp_seconds',
      help: 'When this process last committed a chunk.',
      registers,
    }),
    waits: new Counter({
      name: 'millrace_csv_import_waits_total',
      help: 'Failures of the surroundings that were waited out, by backend and code.',
      labelNames: ['backend', 'code'] as const,
      registers,
    }),
    refused: new Counter({
      name: 'millrace_csv_import_messages_refused_total',
      help: 'Messages sent to the dead letters, by reason.',
      labelNames: ['reason'] as const,
      registers,
    }),
    queues: new Counter({
      name: 'millrace_csv_import_queues_replaced_total',
      help: 'Queues that confirmed nothing and were left for another.',
      registers,
    }),
    published: new Counter({
      name: 'millrace_csv_import_chunks_published_total',
      help: 'Chunks published, first and again.',
      labelNames: ['kind'] as const,
      registers,
    }),
  };
}

function createPaceInstruments(metrics: Metrics) {
  const registers = [metrics];
  return {
    share: new Gauge({
      name: 'millrace_csv_import_pace_ratio',
      help: 'Share of its time that this worker works; less when commits are slow.',
      registers,
    }),
    pauses: new Counter({
      name: 'millrace_csv_import_pause_seconds_total',
      help: 'Time that this worker left the server to others.',
      registers,
    }),
  };
}

function createTrialInstruments(metrics: Metrics) {
  const registers = [metrics];
  return {
    isolated: new Counter({
      name: 'millrace_csv_import_chunks_isolated_total',
      help: 'Times that a chunk was taken which workers had died with.',
      registers,
    }),
    trials: new Counter({
      name: 'millrace_csv_import_trials_total',
      help: 'Trials of parts of such chunks by how they ended.',
      labelNames: ['end'] as const,
      registers,
    }),
  };
}

export function importTelemetry(log: Log, metrics: Metrics): ImportTelemetry {
  const meter = {
    ...createInstruments(metrics),
    ...createPaceInstruments(metrics),
    ...createTrialInstruments(metrics),
  };
  return {
    chunkStarted: () => meter.inFlight.inc(),
    chunkEnded: () => meter.inFlight.dec(),
    chunkLoaded: ({ chunk, bytes, durationMs, result }) => {
      const { read, rejected, superseded, path, reasons } = result;
      meter.rows.inc({ outcome: 'read' }, read);
      meter.rows.inc({ outcome: 'loaded' }, Math.max(0, read - rejected - superseded));
      meter.rows.inc({ outcome: 'superseded' }, superseded);
      meter.rows.inc({ outcome: 'rejected' }, rejected);
      for (const [reason, rows] of Object.entries(reasons)) meter.rejects.inc({ reason }, rows);
      meter.bytes.inc(bytes);
      meter.chunks.inc({ outcome: 'Loaded' });
      meter.seconds.observe(durationMs / 1000);
      meter.lastSuccess.setToCurrentTime();
      log.debug({ chunk, bytes, durationMs, rows: read, rejected, path }, 'chunk loaded');
    },
    chunkSkipped: (chunk, why) => {
      meter.chunks.inc({ outcome: why });
      log.debug({ chunk, why }, 'chunk skipped');
    },
    chunkFailed: (chunk, failure) => {
      meter.chunks.inc({ outcome: 'Failed' });
      log.warn({ chunk, err: failure }, 'chunk returned to the queue');
    },
    chunkIsolated: (chunk, unheard) => {
      meter.isolated.inc();
      log.warn({ chunk, unheard }, 'chunk tried by parts');
    },
    trialEnded: ({ chunk, from, to, end: { end, cause } }) => {
      meter.trials.inc({ end });
      log.info({ chunk, from, to, end, cause }, 'trial ended');
    },
    messageRefused: (reason) => {
      meter.refused.inc({ reason });
      log.error({ reason }, 'message refused as dead letter');
    },
    waiting: (failure, waitMs) => {
      meter.waits.inc({ backend: failure.backend ?? 'none', code: failure.code });
      log.warn({ err: failure, durationMs: Math.round(waitMs) }, 'waiting');
    },
    paced: (share, pauseMs) => {
      meter.share.set(share);
      meter.pauses.inc(pauseMs / 1000);
      if (pauseMs > 0) log.debug({ share, durationMs: Math.round(pauseMs) }, 'pausing');
    },
    stateChanged: (state, reason) => log.info({ state, reason }, 'import state changed'),
    chunksPublished: (count) => {
      meter.published.inc({ kind: 'first' }, count);
      log.debug({ count }, 'chunks published');
    },
    chunksRepublished: (count) => {
      meter.published.inc({ kind: 'again' }, count);
      log.info({ count }, 'chunks published again');
    },
    queueReplaced: (number) => {
      meter.queues.inc();
      log.warn({ number }, 'queue replaced');
    },
  };
}
