/**
 * Watches what the gateway depends on, and keeps the table's shape up to date.
 *
 * Ready = some request can be answered correctly now: Postgres answers and the table is there; or,
 * without Postgres, Redis answers and has been used for this table, so that hits can be served. Where
 * every request is counted, Redis must answer too. A table that does not exist yet is not ready with
 * the reason `NotLoadedYet`.
 */
import type { CsvImportPodConfig } from '@millrace/crds/csv-import';
import type { Clock } from '@millrace/kit/clock';
import { Failure } from '@millrace/kit/failure';
import type { Readiness } from '@millrace/kit/health';
import type { Sql } from '../../connectors/postgres/database.ts';
import type { RowCache } from '../cache.ts';
import type { RequestCounter } from './admission.ts';
import { readShape, type TableShape } from './table.ts';

export interface HealthOptions {
  readonly config: CsvImportPodConfig;
  readonly reads: Sql;
  readonly cache: RowCache | undefined;
  readonly counter?: RequestCounter | undefined;
  readonly clock: Clock;
  readonly dependencyChanged: (change: DependencyChange) => void;
}

export interface DependencyChange {
  readonly dependency: string;
  readonly ok: boolean;
  readonly reason: string | undefined;
}

export interface Health {
  /** The table as last read; undefined before the first reading and while there is no table. */
  shape(): TableShape | undefined;
  /** Postgres answered last time, and there was no such table. */
  isTableMissing(): boolean;
  readiness(): Readiness;
  /** Looks at everything once. */
  probe(): Promise<void>;
  /** Probes until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

/** A new table, or a lost backend, is noticed within this time; each probe is one catalogue query. */
const probeIntervalMs = 2_000;

type Probe = { readonly ok: boolean; readonly reason?: string };
const unknown: Probe = { ok: false, reason: 'NotAskedYet' };

export function watchHealth(options: HealthOptions): Health {
  const { config, reads, cache, counter, clock } = options;
  const usesRedis = cache !== undefined || counter !== undefined;
  let shape: TableShape | undefined;
  let probes: Readonly<Record<string, Probe>> = {
    postgres: unknown,
    table: unknown,
    ...(usesRedis ? { redis: unknown } : {}),
  };
  let mayHit = false;
  const askRedis = async (): Promise<boolean> => {
    if (cache !== undefined) return await cache.mayHold();
    await counter?.ping();
    return false;
  };

  const probe = async (): Promise<void> => {
    const [read, asked] = await Promise.all([
      attempt(async () => ({ shape: await readShape(reads, config) })),
      attempt(askRedis),
    ]);
    // An outage does not make the table unknown: what was read before still serves hits.
    if (read.ok) shape = read.value.shape;
    mayHit = asked.ok && asked.value;
    const next: Readonly<Record<string, Probe>> = {
      postgres: read.ok ? { ok: true } : { ok: false, reason: read.reason },
      table: shape === undefined ? { ok: false, reason: 'NotLoadedYet' } : { ok: true },
      ...(usesRedis
        ? { redis: asked.ok ? { ok: true } : { ok: false, reason: asked.reason } }
        : {}),
    };
    for (const [dependency, { ok, reason }] of Object.entries(next)) {
      const before = probes[dependency];
      if (before?.ok !== ok || before.reason !== reason) {
        options.dependencyChanged({ dependency, ok, reason });
      }
    }
    probes = next;
  };

  const mayAdmit = (): boolean => counter?.isForAll !== true || probes['redis']?.ok === true;

  return {
    shape: () => shape,
    isTableMissing: () => probes['postgres']?.ok === true && shape === undefined,
    readiness: () => ({
      ready: mayAdmit() && (probes['postgres']?.ok === true ? shape !== undefined : mayHit),
      dependencies: probes,
    }),
    probe,
    run: async (signal) => {
      while (!signal.aborted) {
        await probe();
        await clock.sleep(probeIntervalMs, signal);
      }
    },
  };
}

type Attempt<T> = { ok: true; value: T } | { ok: false; reason: string };

async function attempt<T>(work: () => Promise<T>): Promise<Attempt<T>> {
  try {
    return { ok: true, value: await work() };
  } catch (error) {
    if (error instanceof Failure && error.family !== 'Fault')
      return { ok: false, reason: error.code };
    throw error;
  }
}
