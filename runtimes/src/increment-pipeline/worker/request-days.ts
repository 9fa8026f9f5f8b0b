/**
 * Keeps the table of requests: days ahead are made, and days that are over are dropped.
 *
 * A repetition is looked for when it is committed, which may be long after it was accepted. So a day
 * is dropped only when it ended before the window of whatever is not committed yet, in every pipeline
 * of the database, since they share the table. Each pipeline notes its own bound in its row; one that
 * does not run keeps its last bound and with it the days after that: disk is cheaper than a double.
 */
import type { IncrementPipelinePodConfig } from '@millrace/crds/increment-pipeline';
import type { Clock } from '@millrace/kit/clock';
import { Failure } from '@millrace/kit/failure';
import type { Database } from '../../connectors/postgres/database.ts';
import type { RedisCommands } from '../../connectors/redis/link.ts';
import { readPartitions } from '../ledger/partitions.ts';
import {
  daysAhead,
  dropRequestDays,
  hasRequestDays,
  makeRequestDays,
} from '../setup/request-days.ts';
import { underSetupLock } from '../setup/setup-lock.ts';
import { entryTimeMs } from '../stream/entry-id.ts';
import { readEntries } from '../stream/reader.ts';
import type { IncrementTelemetry } from '../telemetry.ts';

export interface RequestDaysOptions {
  readonly config: IncrementPipelinePodConfig;
  readonly db: Database;
  /** Without the owner’s rights nothing is made or dropped, and a week passes before that matters. */
  readonly owner: Database;
  readonly link: RedisCommands;
  readonly clock: Clock;
  readonly telemetry: Pick<IncrementTelemetry, 'waiting'>;
}

const everyMs = 600_000;
/** The bound is compared over two clocks, and noted up to ten minutes before it is used. */
const marginMs = 3_600_000;

/** Until the signal aborts; what fails is tried again the next time. */
export async function runRequestDays(
  options: RequestDaysOptions,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await keepRequestDays(options).catch((error: unknown) => {
      if (!(error instanceof Failure) || error.family === 'Fault') throw error;
      options.telemetry.waiting(error, everyMs);
    });
    await options.clock.sleep(everyMs, signal);
  }
}

const noteSql = `
UPDATE millrace.increment_pipelines
SET requests_needed_since = least(now(), to_timestamp($2::float8 / 1000))
  - $3::float8 * interval '1 millisecond'
WHERE uid = $1`;
const boundSql = `
SELECT (1000 * extract(epoch FROM min(requests_needed_since)))::float8 AS before_ms
FROM millrace.increment_pipelines`;

export async function keepRequestDays(options: RequestDaysOptions): Promise<void> {
  const { config, db, owner } = options;
  if (config.idempotency === undefined) return;
  if (!(await hasRequestDays(db, daysAhead))) await underSetupLock(owner, makeRequestDays);
  const oldestMs = await oldestUncommittedMs(options);
  const keepMs = config.idempotency.windowMs + marginMs;
  await db.query(noteSql, [config.resource.uid, oldestMs, keepMs]);
  const { rows } = await db.query<{ before_ms: number | null }>(boundSql);
  const beforeMs = rows[0]?.before_ms;
  if (typeof beforeMs === 'number') await dropRequestDays(owner, beforeMs);
}

/** When Redis took the oldest entry that is not committed; null without one. */
async function oldestUncommittedMs({
  config,
  db,
  link,
}: RequestDaysOptions): Promise<number | null> {
  const { uid } = config.resource;
  const one = { entriesMax: 1, bytesMax: 1 };
  let oldest: number | null = null;
  for (const { partition, incarnation, lastId } of await readPartitions(db, uid)) {
    const place = { uid, partition, incarnation, after: lastId };
    const [entry] = await readEntries(link, { ...place, ...one });
    if (entry !== undefined) oldest = Math.min(oldest ?? Infinity, entryTimeMs(entry.id));
  }
  return oldest;
}
