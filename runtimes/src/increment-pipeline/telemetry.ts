/**
 * The events of an IncrementPipeline's processes: each logs and counts in one place.
 *
 * Labels are bounded (codes and reasons from closed sets, never keys, clients or ids), and no event
 * carries a key or value of a user, a URL or a message of a driver. Counters are of this process;
 * what is exact over all processes is in the ledger and in the report at /progress.
 */
import type { IncrementPipelineProgress } from '@millrace/crds/increment-pipeline';
import type { Failure } from '@millrace/kit/failure';
import type { Log } from '@millrace/kit/log';
import type { Metrics } from '@millrace/kit/metrics';
import { createInstruments, type Instruments } from './instruments.ts';

export interface IncrementTelemetry {
  /** Requests and increments that travelled to Redis together and are durable there. */
  appended(group: {
    readonly requests: number;
    readonly increments: number;
    readonly durationMs: number;
  }): void;
  /** A call to Redis that appended nothing, or of which nobody knows whether it did. */
  appendFailed(failure: Failure): void;
  /** A request that was not taken; `code` is from the closed set of the gateway's answers. */
  requestRefused(code: string): void;
  /** A request with an Idempotency-Key that was answered from its first appearance. */
  requestRepeated(): void;
  incarnationBegan(it: {
    readonly partition: number;
    readonly incarnation: number;
    readonly lost: number;
  }): void;
  durabilityChanged(it: { readonly ok: boolean; readonly reason: string | undefined }): void;
  /** One commit of one partition. */
  flushed(it: {
    readonly partition: number;
    readonly committed: number;
    readonly duplicates: number;
    readonly keys: number;
    readonly durationMs: number;
    /** Age of the oldest increment in it, at the commit. */
    readonly stalenessMs: number;
  }): void;
  deadLettered(it: {
    readonly partition: number;
    readonly reason: string;
    readonly increments: number;
  }): void;
  leaseTaken(partition: number, epoch: bigint): void;
  leaseLost(partition: number, why: string): void;
  /** Leases that this process holds at the moment. */
  leasesHeld(count: number): void;
  looked(progress: IncrementPipelineProgress): void;
  /** What to do before the gauges of the pipeline are read: take a look. */
  scrapedAfter(look: () => Promise<unknown>): void;
  waiting(failure: Failure, waitMs: number): void;
  dependencyChanged(it: {
    readonly dependency: string;
    readonly ok: boolean;
    readonly reason: string | undefined;
  }): void;
  drained(): void;
}

export function incrementPipelineTelemetry(log: Log, metrics: Metrics): IncrementTelemetry {
  let look: (() => Promise<unknown>) | undefined;
  const meter = createInstruments(metrics, async () => {
    await look?.();
  });
  return {
    ...appendEvents(log, meter),
    ...commitEvents(log, meter),
    looked: (progress) => {
      meter.staleness.set(progress.stalenessMs / 1000);
      meter.backlog.set(progress.backlog.increments);
      meter.streamsBytes.set(progress.backlog.bytes);
      meter.streamsBytesMax.set(progress.backlog.maxBytes);
    },
    scrapedAfter: (taken) => {
      look = taken;
    },
    waiting: (failure, waitMs) => {
      meter.waits.inc({ backend: failure.backend ?? 'none', code: failure.code });
      log.warn({ err: failure, durationMs: Math.round(waitMs) }, 'waiting');
    },
    dependencyChanged: ({ dependency, ok, reason }) => {
      meter.up.set({ dependency }, ok ? 1 : 0);
      if (ok) log.info({ dependency }, 'dependency answers');
      else log.warn({ dependency, reason }, 'dependency does not answer');
    },
    drained: () => log.info('drained'),
  };
}

type AppendEvents = Pick<
  IncrementTelemetry,
  | 'appended'
  | 'appendFailed'
  | 'requestRefused'
  | 'requestRepeated'
  | 'incarnationBegan'
  | 'durabilityChanged'
>;

function appendEvents(log: Log, meter: Instruments): AppendEvents {
  return {
    appended: ({ requests, increments, durationMs }) => {
      meter.accepted.inc(increments);
      meter.groupRequests.observe(requests);
      meter.appendSeconds.observe(durationMs / 1000);
    },
    appendFailed: (failure) => {
      meter.appendFailures.inc({ code: failure.code });
      log.debug({ err: failure }, 'append failed');
    },
    requestRefused: (code) => meter.refused.inc({ code }),
    requestRepeated: () => meter.repeated.inc(),
    incarnationBegan: ({ partition, incarnation, lost }) => {
      meter.incarnations.inc();
      meter.lost.inc(lost);
      log.error({ partition, incarnation, lost }, 'a stream began anew because Redis lost data');
    },
    durabilityChanged: ({ ok, reason }) => {
      meter.durabilityOk.set(ok ? 1 : 0);
      if (ok) log.info('Redis is configured for the durability');
      else log.error({ reason }, 'Redis is not configured for the durability');
    },
  };
}

type CommitEvents = Pick<
  IncrementTelemetry,
  'flushed' | 'deadLettered' | 'leaseTaken' | 'leaseLost' | 'leasesHeld'
>;

function commitEvents(log: Log, meter: Instruments): CommitEvents {
  return {
    flushed: ({ partition, committed, duplicates, keys, durationMs, stalenessMs }) => {
      meter.committed.inc(committed);
      meter.duplicates.inc(duplicates);
      meter.flushKeys.observe(keys);
      meter.flushSeconds.observe(durationMs / 1000);
      meter.commitStaleness.observe(stalenessMs / 1000);
      meter.lastSuccess.setToCurrentTime();
      log.debug({ partition, committed, keys, durationMs }, 'partition committed');
    },
    deadLettered: ({ partition, reason, increments }) => {
      meter.deadLetters.inc({ reason }, increments);
      log.error({ partition, reason, increments }, 'increments kept as dead letters');
    },
    leaseTaken: (partition, epoch) => {
      meter.leaseChanges.inc({ change: 'Taken' });
      log.info({ partition, epoch: String(epoch) }, 'partition taken');
    },
    leaseLost: (partition, reason) => {
      meter.leaseChanges.inc({ change: 'Lost' });
      log.warn({ partition, reason }, 'partition lost');
    },
    leasesHeld: (count) => meter.leases.set(count),
  };
}
