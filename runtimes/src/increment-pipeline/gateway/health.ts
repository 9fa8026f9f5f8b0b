/**
 * What the gateway depends on, and its signs of life in the ledger, which are also how it learns
 * whether Postgres answers.
 *
 * Ready = something can be answered correctly now: increments can be appended, or sums can be read.
 * With one of them away its requests are answered 503, and the gateway stays for the others. A gateway
 * that has just begun is given a moment to compare streams and ledger first: sent to it before, every
 * increment would be refused although nothing is wrong.
 */
import { randomUUID } from 'node:crypto';
import type { IncrementPipelinePodConfig } from '@millrace/crds/increment-pipeline';
import type { Clock } from '@millrace/kit/clock';
import { Failure } from '@millrace/kit/failure';
import type { Readiness } from '@millrace/kit/health';
import type { Sql } from '../../connectors/postgres/database.ts';
import { beat, leave } from '../ledger/members.ts';
import type { Appender } from '../stream/appender.ts';
import type { IncrementTelemetry } from '../telemetry.ts';

export interface HealthOptions {
  readonly config: Pick<IncrementPipelinePodConfig, 'resource'>;
  /** Bounded by itself: a gateway that is busy is not one whose Postgres is away. */
  readonly reads: Sql;
  readonly appender: Pick<Appender, 'status' | 'link'>;
  /** What is wrong with the list of tokens. */
  readonly tokensProblem: () => string | undefined;
  readonly clock: Clock;
  readonly telemetry: Pick<IncrementTelemetry, 'dependencyChanged'>;
}

export interface Health {
  readiness(): Readiness;
  /** Beats until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
  /** Takes the gateway off the list of the living; best effort. */
  leave(): Promise<void>;
}

type Dependencies = Readiness['dependencies'];
/** Others take a member for dead after three seconds without a beat. */
const beatIntervalMs = 1_000;
/** By then whoever cannot append yet has found out why, and may serve reads meanwhile. */
const startMs = 3_000;

export function watchHealth(options: HealthOptions): Health {
  const { config, reads, appender, clock, telemetry } = options;
  const sign = { pipeline: config.resource.uid, member: randomUUID(), role: 'gateway' } as const;
  let postgres: Dependencies[string] = { ok: false, reason: 'NotAskedYet' };
  let known: Dependencies = {};
  const beganMs = clock.monotonic();
  let hasBegun = false;

  const dependencies = (): Dependencies => {
    const { ready, durability, reason = 'NotReady' } = appender.status();
    const failure = appender.link.failure();
    const redis = appender.link.isReady()
      ? { ok: true }
      : { ok: false, reason: failure?.code ?? 'NotConnected' };
    const tokens = options.tokensProblem();
    return {
      postgres,
      redis,
      durability: durability.ok ? { ok: true } : { ok: false, reason: 'DurabilityNotMet' },
      appends: ready ? { ok: true } : { ok: false, reason },
      ...(tokens === undefined ? {} : { tokens: { ok: false, reason: tokens } }),
    };
  };
  /** Whether increments can be appended; notes that they could. */
  const looked = (): boolean => {
    const canAppend = appender.status().ready;
    hasBegun ||= canAppend || clock.monotonic() - beganMs > startMs;
    return canAppend;
  };
  const report = (): void => {
    looked();
    const next = dependencies();
    for (const [dependency, { ok, reason }] of Object.entries(next)) {
      const before = known[dependency];
      if (before?.ok !== ok || before.reason !== reason) {
        telemetry.dependencyChanged({ dependency, ok, reason });
      }
    }
    known = next;
  };

  return {
    readiness: () => {
      const canAppend = looked();
      return { ready: canAppend || (hasBegun && postgres.ok), dependencies: dependencies() };
    },
    run: async (signal) => {
      while (!signal.aborted) {
        postgres = await outcome(() => beat(reads, sign));
        report();
        await clock.sleep(beatIntervalMs, signal);
      }
    },
    leave: async () => {
      await outcome(() => leave(reads, sign));
    },
  };
}

async function outcome(work: () => Promise<void>): Promise<Dependencies[string]> {
  try {
    await work();
    return { ok: true };
  } catch (error) {
    if (error instanceof Failure && error.family !== 'Fault') {
      return { ok: false, reason: error.code };
    }
    throw error;
  }
}
