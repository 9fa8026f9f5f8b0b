/**
 * Appends increments to the streams of a pipeline: durable, and exactly as often as it says.
 *
 * Increments are taken only while the gate is open (see gate.ts): after Redis' settings were read and
 * its streams were compared with the ledger. Single increments and batches travel in groups, requests
 * with an Idempotency-Key side by side. Nothing is ever sent twice from here: the code FateUnknown
 * tells the caller when that would be a guess; after every other failure it is certain that nothing
 * was appended.
 */
import type { IncrementPipelinePodConfig } from '@millrace/crds/increment-pipeline';
import { systemClock, type Clock } from '@millrace/kit/clock';
import { assert } from '@millrace/kit/fault';
import type { Sql } from '../../connectors/postgres/database.ts';
import {
  openRedisLink,
  type RedisLink,
  type RedisLinkOptions,
} from '../../connectors/redis/link.ts';
import type { IncrementTelemetry } from '../telemetry.ts';
import { Budget, measure } from './budget.ts';
import { itemBytes, type RequestDigests } from './entry.ts';
import { Gate, type GateStatus } from './gate.ts';
import { callBytesMax, GroupCommit, type GroupCommitOptions } from './group-commit.ts';
import { Incarnations } from './incarnations.ts';
import { Pace } from './pace.ts';
import { RequestAppends, type AppendedRequest } from './request-appends.ts';

export interface Appender extends AsyncDisposable {
  /** The name of the entry that the first item is in, once all of them are durable. */
  append(items: Buffer): Promise<string>;
  /** The configuration has `idempotency`. */
  appendRequest(request: RequestDigests, items: Buffer): Promise<AppendedRequest>;
  status(): GateStatus;
  /** For reads and whatever else; its readiness says nothing about appends. */
  readonly link: RedisLink;
  /** Keeps the gate; nothing is taken unless it runs. */
  run(signal: AbortSignal): Promise<void>;
  /** Resolves when nothing waits and nothing is under way. */
  flushed(): Promise<void>;
}

export interface AppenderOptions {
  readonly config: Pick<
    IncrementPipelinePodConfig,
    | 'resource'
    | 'durability'
    | 'durabilityVouched'
    | 'partitions'
    | 'flush'
    | 'streams'
    | 'idempotency'
  >;
  readonly redis: Pick<RedisLinkOptions, 'url' | 'caBundle' | 'log'>;
  readonly ledger: Sql;
  readonly telemetry: Pick<
    IncrementTelemetry,
    'appended' | 'appendFailed' | 'requestRepeated' | 'incarnationBegan' | 'durabilityChanged'
  >;
  readonly clock?: Clock;
}

/** A disk may take a second for a flush; a client has given up soon after this. */
const commandTimeoutMs = 3_000;
const flushedIntervalMs = 5;

type AppendEvents = Pick<GroupCommitOptions, 'appended' | 'failed'>;

export function openAppender(options: AppenderOptions): Appender {
  const { config, telemetry } = options;
  const clock = options.clock ?? systemClock;
  const { uid } = config.resource;
  const watched = watchStreams(options, clock);
  const { link, gate, incarnations, budget, pace } = watched;
  const events: AppendEvents = {
    appended: ({ bytes, ...group }) => {
      budget.added(bytes);
      pace.added(group.increments);
      telemetry.appended(group);
    },
    failed: (failure) => {
      gate.doubt();
      telemetry.appendFailed(failure);
    },
  };
  const common = {
    ...events,
    uid,
    partitions: config.partitions,
    commands: link,
    streams: () => incarnations.streams,
    refused: () => gate.refused(),
  };
  const groups = new GroupCommit(common);
  const requests = new RequestAppends({
    ...common,
    idempotency: config.idempotency,
    oldestUncommittedMs: () => gate.oldestUncommittedMs,
    repeated: () => telemetry.requestRepeated(),
  });

  return {
    link,
    append: (items) => {
      const refused = gate.refused();
      if (refused !== undefined) return Promise.reject(refused);
      assert(areItems(items), 'an append is one to many whole items, and fits into one call');
      return groups.append(items);
    },
    appendRequest: (request, items) => {
      assert(areItems(items), 'a request is one to many whole items, and fits into one call');
      return requests.append(request, items);
    },
    status: () => gate.status(),
    run: async (signal) => {
      const measuring = measure({ ...watched, uid, clock }, signal);
      await Promise.all([gate.run(signal), measuring]);
    },
    flushed: async () => {
      while (groups.bytes > 0 || requests.bytes > 0) await clock.sleep(flushedIntervalMs);
    },
    [Symbol.asyncDispose]: () => link[Symbol.asyncDispose](),
  };
}

interface WatchedStreams {
  readonly link: RedisLink;
  readonly budget: Budget;
  readonly pace: Pace;
  readonly incarnations: Incarnations;
  readonly gate: Gate;
}

function watchStreams(options: AppenderOptions, clock: Clock): WatchedStreams {
  const { config, telemetry } = options;
  const budget = new Budget(config.streams.maxBytes);
  const pace = new Pace({
    waitMaxMs: waitMaxMs(config.flush),
    flushIntervalMs: config.flush.intervalMs,
  });
  const link = openRedisLink({
    ...options.redis,
    commandTimeoutMs,
    clock,
    // Before the link is ready for anybody, so that no append slips in between.
    prepare: async () => gate.doubt(),
  });
  const incarnations = new Incarnations({
    uid: config.resource.uid,
    partitions: config.partitions,
    ledger: options.ledger,
    commands: link,
    began: (it) => telemetry.incarnationBegan(it),
  });
  const gate = new Gate({
    link,
    durability: { durability: config.durability, vouched: config.durabilityVouched },
    incarnations,
    budget,
    pace,
    clock,
    durabilityChanged: (it) => telemetry.durabilityChanged(it),
  });
  return { link, budget, pace, incarnations, gate };
}

/** Far enough from stale for a worker to die on top of it. */
function waitMaxMs({ intervalMs, staleAfterMs }: IncrementPipelinePodConfig['flush']): number {
  return Math.max(2 * intervalMs, staleAfterMs / 4);
}

function areItems(items: Buffer): boolean {
  return items.length > 0 && items.length % itemBytes === 0 && items.length <= callBytesMax;
}
