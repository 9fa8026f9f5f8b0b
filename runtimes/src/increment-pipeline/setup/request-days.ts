/**
 * The days of the table of requests: one partition a day (UTC), made a week ahead by the owner of the
 * tables, and dropped when no repetition that is still to be recognised can be in it.
 *
 * A day is made as a table of its own and then attached: that lets commits pass, while CREATE …
 * PARTITION OF would have to wait for every one of them.
 */
import type { Database, Sql } from '../../connectors/postgres/database.ts';
import { sqlIdentifier } from '../../connectors/postgres/identifier.ts';

/** A week without the owner's rights changes nothing for a pipeline that runs. */
export const daysAhead = 7;
const parent = 'millrace.increment_requests';
const dayMs = 86_400_000;

const missingSql = `
SELECT to_char(day, 'YYYYMMDD') AS name, to_char(day, 'YYYY-MM-DD') AS first,
  to_char(day + interval '1 day', 'YYYY-MM-DD') AS next
FROM generate_series(date_trunc('day', now() AT TIME ZONE 'UTC') - interval '1 day',
  date_trunc('day', now() AT TIME ZONE 'UTC') + $1::int * interval '1 day', interval '1 day') AS day
WHERE NOT EXISTS (SELECT FROM pg_inherits WHERE inhparent = to_regclass('${parent}')
  AND inhrelid = to_regclass('${parent}_' || to_char(day, 'YYYYMMDD')))`;

interface Day {
  readonly name: string;
  readonly first: string;
  readonly next: string;
}

/** Whether rows can be written now and tomorrow. */
export async function hasRequestDays(sql: Sql, ahead: number): Promise<boolean> {
  return (await sql.query<Day>(missingSql, [ahead])).rowCount === 0;
}

/**
 * Makes what is missing up to a week ahead, and yesterday for a clock that is set back a little; to be
 * called under the lock of setup-lock.ts.
 */
export async function makeRequestDays(owner: Sql): Promise<void> {
  const { rows } = await owner.query<Day>(missingSql, [daysAhead]);
  for (const { name, first, next } of rows) {
    const table = `millrace.${sqlIdentifier(`increment_requests_${name}`)}`;
    await owner.query(
      `CREATE TABLE IF NOT EXISTS ${table} (LIKE ${parent} INCLUDING ALL);
       ALTER TABLE ${parent} ATTACH PARTITION ${table}
         FOR VALUES FROM ('${first} 00:00:00+00') TO ('${next} 00:00:00+00')`,
    );
  }
}

const daysSql = `
SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = to_regclass('${parent}') ORDER BY c.relname`;

/** Drops the days that ended before `beforeMs` (since the epoch); their names. */
export async function dropRequestDays(
  owner: Database,
  beforeMs: number,
): Promise<readonly string[]> {
  const { rows } = await owner.query<{ name: string }>(daysSql);
  const old = rows.map(({ name }) => name).filter((name) => endOf(name) <= beforeMs);
  for (const name of old) {
    await owner.transaction(async (tx) => {
      // Commits queue behind a DROP that waits for one of them: after a second it gives way instead.
      await tx.query(`SET LOCAL lock_timeout = '1s'`);
      await tx.query(`DROP TABLE IF EXISTS millrace.${sqlIdentifier(name)}`);
    });
  }
  return old;
}

/** A table that does not follow our names never ends. */
function endOf(name: string): number {
  const [, year, month, day] = /^increment_requests_(\d{4})(\d\d)(\d\d)$/.exec(name) ?? [];
  if (year === undefined) return Number.POSITIVE_INFINITY;
  return Date.UTC(Number(year), Number(month) - 1, Number(day)) + dayMs;
}
