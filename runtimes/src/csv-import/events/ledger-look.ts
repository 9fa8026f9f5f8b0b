/**
 * What the gateway sees of its import in the ledger: how far it is, which chunks were committed, and
 * the snapshot of the database in which that was seen.
 *
 * One look serves all clients that ask within a moment, so that a thousand of them cost what one
 * does. Nothing is remembered of the ledger beside the last look.
 */
import type { Clock } from '@millrace/kit/clock';
import type { Sql } from '../../connectors/postgres/database.ts';
import type { Group } from './place.ts';

export interface Look {
  /** As `pg_current_snapshot()` writes it. */
  readonly snapshot: string;
  /** On the monotonic clock; what is asked from then on sees all that the snapshot shows. */
  readonly knownAt: number;
  /** Undefined until the import is registered. */
  readonly import: ImportLook | undefined;
}

export interface ImportLook {
  readonly state: string;
  readonly reason: string | null;
  /** High bits of its positions; undefined until it first held its table. */
  readonly seq: number | undefined;
  /** What clients are shown. */
  readonly shown: ShownProgress;
}

export interface ShownProgress {
  readonly state: string;
  readonly reason: string | null;
  readonly read: number;
  readonly rejected: number;
  readonly superseded: number;
  readonly bytes: {
    readonly source: number | null;
    readonly planned: number;
    readonly done: number;
  };
  readonly chunks: { readonly planned: number; readonly done: number; readonly complete: boolean };
}

export interface DoneChunk {
  readonly at: string;
  readonly chunk: number;
  readonly offset: number;
  readonly length: number;
}

export interface LedgerLook {
  look(): Promise<Look>;
  /** Chunks visible in the group's snapshot but not in `base`, in the order of their commits. */
  chunks(base: string, group: Group): Promise<readonly DoneChunk[]>;
}

const lookSql = `
SELECT pg_current_snapshot()::text AS snapshot, it.state, it.reason, it.seq::text AS seq,
  it.size, it.planned_to, it.plan_chunks, it.plan_complete, t.*
FROM (SELECT) one
LEFT JOIN (
  SELECT i.uid, i.state, i.reason, i.seq, i.source ->> 'size' AS size,
    p.planned_to::text AS planned_to, p.chunks AS plan_chunks, p.plan_complete
  FROM millrace.imports i JOIN millrace.plans p ON p.import = i.uid WHERE i.uid = $1
) it ON true
LEFT JOIN LATERAL (
  SELECT count(*)::int AS done, coalesce(sum(length), 0)::text AS bytes,
    coalesce(sum(read), 0)::text AS read, coalesce(sum(rejected), 0)::text AS rejected,
    coalesce(sum(superseded), 0)::text AS superseded
  FROM millrace.chunks c WHERE c.import = it.uid AND c.done_at IS NOT NULL
) t ON true`;

/**
 * The transaction that finished a chunk is the one that wrote its row last (xmin), widened to 64 bits
 * by the nearest number that is not in the future. A chunk in both snapshots, or in neither, is not
 * new. The last thing each of these transactions writes is the time at which its attempt ended: the
 * order of those is the order of the commits, but for two within the same instant.
 */
const chunksSql = `
SELECT done.chunk, done."offset"::text AS "offset", done.length::text AS length, done.at::text AS at
FROM (
  SELECT c.chunk, c."offset", c.length,
    (next.xid - ((next.xid - c.xmin::text::bigint) & 4294967295))::text::xid8 AS writer,
    (extract(epoch FROM coalesce(
      (SELECT min(a.ended_at) FROM millrace.attempts a
       WHERE a.import = c.import AND a.chunk = c.chunk AND a.outcome = 'Loaded'),
      c.done_at)) * 1000000)::bigint AS at
  FROM millrace.chunks c
  CROSS JOIN (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS xid) next
  WHERE c.import = $1 AND c.done_at IS NOT NULL
) done
WHERE NOT pg_visible_in_snapshot(done.writer, $2::pg_snapshot)
  AND pg_visible_in_snapshot(done.writer, $3::pg_snapshot)
  AND (done.at, done.chunk) >= ($4::bigint, $5::int)
ORDER BY done.at, done.chunk LIMIT 64`;

/** New chunks are noticed within this time. */
const lookAgeMinMs = 200;
/** A look that took long is not repeated before ten times as long is over … */
const restFactor = 10;
/**
 * … but no later than this: what made it slow may have been a busy host, not the ledger, and all streams
 * stand still meanwhile: for half a minute after one look that took three seconds.
 */
const lookAgeMaxMs = 1_000;

interface RawLook {
  readonly snapshot: string;
  readonly state: string | null;
  readonly reason: string | null;
  readonly seq: string | null;
  readonly size: string | null;
  readonly planned_to: string | null;
  readonly plan_chunks: number | null;
  readonly plan_complete: boolean | null;
  readonly done: number;
  readonly bytes: string;
  readonly read: string;
  readonly rejected: string;
  readonly superseded: string;
}

export function ledgerLook(sql: Sql, uid: string, clock: Clock): LedgerLook {
  let last: Promise<Look> | undefined;
  let goodUntil = -Infinity;
  return {
    look: () => {
      const began = clock.monotonic();
      if (last !== undefined && began < goodUntil) return last;
      // While it runs, everybody shares it.
      goodUntil = Infinity;
      last = sql
        .query<RawLook>(lookSql, [uid])
        .then(({ rows: [row] }) => toLook(row, clock.monotonic()))
        .finally(() => {
          const now = clock.monotonic();
          const restMs = Math.min(restFactor * (now - began), lookAgeMaxMs);
          goodUntil = now + Math.max(lookAgeMinMs, restMs);
        });
      // Not kept for those who come later: they ask anew.
      last.catch(() => {
        last = undefined;
      });
      return last;
    },
    chunks: async (base, { to, chunk }) => {
      const from = [chunk?.at ?? '0', chunk?.chunk ?? 0];
      const { rows } = await sql.query<{
        chunk: number;
        offset: string;
        length: string;
        at: string;
      }>(chunksSql, [uid, base, to, ...from]);
      return rows.map((row) => ({
        ...row,
        offset: Number(row.offset),
        length: Number(row.length),
      }));
    },
  };
}

function toLook(row: RawLook | undefined, knownAt: number): Look {
  const { snapshot = '', state = null, reason = null, seq = null } = row ?? {};
  if (row === undefined || state === null) return { snapshot, knownAt, import: undefined };
  return {
    snapshot,
    knownAt,
    import: { state, reason, seq: seq === null ? undefined : Number(seq), shown: shownOf(row) },
  };
}

function shownOf(row: RawLook): ShownProgress {
  return {
    state: row.state ?? '',
    reason: row.reason,
    read: Number(row.read),
    rejected: Number(row.rejected),
    superseded: Number(row.superseded),
    bytes: {
      source: row.size === null ? null : Number(row.size),
      planned: Number(row.planned_to),
      done: Number(row.bytes),
    },
    chunks: {
      planned: row.plan_chunks ?? 0,
      done: row.done,
      complete: row.plan_complete ?? false,
    },
  };
}
