/**
 * How many connections sessions of one application name could hold together now: theirs, and what the
 * server, the database and the role still have to give. Everything asked is visible to every role.
 */
import type { Sql } from './database.ts';

const sql = `
WITH held AS (SELECT datid, usesysid, application_name FROM pg_stat_activity WHERE datid IS NOT NULL)
SELECT greatest(0, least(
    current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
      - coalesce(current_setting('reserved_connections', true), '0')::int
      - (SELECT count(*) FROM held),
    nullif(d.datconnlimit, -1) - (SELECT count(*) FROM held WHERE held.datid = d.oid),
    nullif(r.rolconnlimit, -1) - (SELECT count(*) FROM held WHERE held.usesysid = r.oid)
  ))::int + (SELECT count(*) FROM held WHERE application_name = $1)::int AS connections
FROM pg_roles r, pg_database d
WHERE r.rolname = current_user AND d.datname = current_database()`;

export async function connectionsFor(db: Sql, applicationName: string): Promise<number> {
  const { rows } = await db.query<{ connections: number }>(sql, [applicationName]);
  return rows[0]?.connections ?? 0;
}
