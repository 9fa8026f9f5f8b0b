/** The metrics of an IncrementPipeline's processes; telemetry.ts says what moves them. */
import { Counter, Gauge, Histogram, type Metrics } from '@millrace/kit/metrics';

/** From a group on a fast disk to one behind a stuck server. */
const appendBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1, 5];
const flushBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** Around the promises: 3 s usually, never 10 s. */
const stalenessBuckets = [0.1, 0.25, 0.5, 1, 1.5, 2, 3, 4, 5, 8, 10, 30, 60, 300];
const sizeBuckets = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 5_000, 25_000, 100_000];

export type Instruments = ReturnType<typeof createInstruments>;

/** `refresh` is awaited when somebody reads the gauges of the pipeline. */
export function createInstruments(metrics: Metrics, refresh: () => Promise<void>) {
  return {
    ...gatewayInstruments([metrics]),
    ...workerInstruments([metrics]),
    ...shared([metrics]),
    ...ofPipeline([metrics], refresh),
  };
}

function gatewayInstruments(registers: Metrics[]) {
  return {
    accepted: new Counter({
      name: 'millrace_increment_accepted_total',
      help: 'Increments that this gateway made durable.',
      registers,
    }),
    refused: new Counter({
      name: 'millrace_increment_refused_total',
      help: 'Requests that were not taken, by the code of the answer.',
      labelNames: ['code'] as const,
      registers,
    }),
    repeated: new Counter({
      name: 'millrace_increment_repeated_total',
      help: 'Requests with an Idempotency-Key that were answered from their first appearance.',
      registers,
    }),
    appendSeconds: new Histogram({
      name: 'millrace_increment_append_seconds',
      help: 'From sending a group to Redis to its durable answer.',
      buckets: appendBuckets,
      registers,
    }),
    groupRequests: new Histogram({
      name: 'millrace_increment_group_requests',
      help: 'Requests that travelled to Redis together.',
      buckets: sizeBuckets,
      registers,
    }),
    appendFailures: new Counter({
      name: 'millrace_increment_append_failures_total',
      help: 'Groups that Redis did not answer as durable, by code.',
      labelNames: ['code'] as const,
      registers,
    }),
    incarnations: new Counter({
      name: 'millrace_increment_incarnations_total',
      help: 'Streams that this gateway began anew because Redis had lost data.',
      registers,
    }),
    lost: new Counter({
      name: 'millrace_increment_lost_total',
      help: 'Increments found to have gone from Redis before their commit; at least so many.',
      registers,
    }),
    durabilityOk: new Gauge({
      name: 'millrace_increment_durability_ok',
      help: '1 while Redis is configured for the durability.',
      registers,
    }),
  };
}

function workerInstruments(registers: Metrics[]) {
  return {
    committed: new Counter({
      name: 'millrace_increment_committed_total',
      help: 'Increments that this worker added to the table.',
      registers,
    }),
    duplicates: new Counter({
      name: 'millrace_increment_duplicates_total',
      help: 'Increments of repeated requests that this worker recognised.',
      registers,
    }),
    deadLetters: new Counter({
      name: 'millrace_increment_dead_letters_total',
      help: 'Increments that this worker kept as dead letters, by reason.',
      labelNames: ['reason'] as const,
      registers,
    }),
    flushSeconds: new Histogram({
      name: 'millrace_increment_flush_seconds',
      help: 'Duration of one commit of one partition.',
      buckets: flushBuckets,
      registers,
    }),
    flushKeys: new Histogram({
      name: 'millrace_increment_flush_keys',
      help: 'Keys of one commit.',
      buckets: sizeBuckets,
      registers,
    }),
    commitStaleness: new Histogram({
      name: 'millrace_increment_commit_staleness_seconds',
      help: 'Age of the oldest increment of a commit when it was committed.',
      buckets: stalenessBuckets,
      registers,
    }),
    lastSuccess: new Gauge({
      name: 'millrace_increment_last_success_timestamp_seconds',
      help: 'When this process last committed.',
      registers,
    }),
    leases: new Gauge({
      name: 'millrace_increment_leases',
      help: 'Partitions that this worker holds.',
      registers,
    }),
    leaseChanges: new Counter({
      name: 'millrace_increment_lease_changes_total',
      help: 'Partitions taken and lost by this worker.',
      labelNames: ['change'] as const,
      registers,
    }),
  };
}

/** The same whichever process is asked; read anew for each scrape, or they would be those of the last look. */
function ofPipeline(registers: Metrics[], refresh: () => Promise<void>) {
  const options = { registers, collect: refresh };
  return {
    staleness: new Gauge({
      name: 'millrace_increment_staleness_seconds',
      help: 'Age of the oldest increment of the pipeline that is not committed.',
      ...options,
    }),
    backlog: new Gauge({
      name: 'millrace_increment_backlog',
      help: 'Increments of the pipeline that are not committed.',
      ...options,
    }),
    streamsBytes: new Gauge({
      name: 'millrace_increment_streams_bytes',
      help: 'Memory that the streams take in Redis.',
      ...options,
    }),
    streamsBytesMax: new Gauge({
      name: 'millrace_increment_streams_bytes_max',
      help: 'Budget of the streams.',
      ...options,
    }),
  };
}

function shared(registers: Metrics[]) {
  return {
    waits: new Counter({
      name: 'millrace_increment_waits_total',
      help: 'Failures of the surroundings that were waited out, by backend and code.',
      labelNames: ['backend', 'code'] as const,
      registers,
    }),
    up: new Gauge({
      name: 'millrace_dependency_up',
      help: '1 while the dependency answers.',
      labelNames: ['dependency'] as const,
      registers,
    }),
  };
}
