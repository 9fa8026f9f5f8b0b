/**
 * Records whose key another record holds, as far as a verdict names them: the lowest three.
 *
 * The record with the lowest position keeps a key, so each of the others loses it once, in the
 * transaction of whichever chunk met it. A record among the lowest three of the whole source is also
 * among the lowest three that its transaction saw lose; so three a chunk are enough to know them, in
 * any order of arrival. To whom a record lost may have lost later to a still lower one: that one is
 * among the three as well, and `firstDuplicates` follows it.
 */
import type { Sql } from '../connectors/postgres/database.ts';

export interface Duplicate {
  /** Where in the source the record is that lost its key. */
  readonly lost: number;
  /** The record that keeps it; undefined where the table held the key before the import. */
  readonly kept: number | undefined;
}

/** As many as a verdict names. */
export const duplicatesNoted = 3;

export function lowestDuplicates(found: readonly Duplicate[]): readonly Duplicate[] {
  return found.toSorted((one, other) => one.lost - other.lost).slice(0, duplicatesNoted);
}

const noteSql = `
INSERT INTO millrace.duplicates (import, lost, kept)
SELECT $1, d.lost, d.kept FROM unnest($2::bigint[], $3::bigint[]) AS d (lost, kept)`;

export async function noteDuplicates(
  tx: Sql,
  uid: string,
  found: readonly Duplicate[],
): Promise<void> {
  const noted = lowestDuplicates(found);
  if (noted.length === 0) return;
  await tx.query(noteSql, [
    uid,
    noted.map(({ lost }) => lost),
    noted.map(({ kept }) => kept ?? null),
  ]);
}

const firstSql = `
SELECT lost, kept FROM millrace.duplicates WHERE import = $1 ORDER BY lost LIMIT ${duplicatesNoted}`;

export async function firstDuplicates(db: Sql, uid: string): Promise<readonly Duplicate[]> {
  const { rows } = await db.query<{ lost: string; kept: string | null }>(firstSql, [uid]);
  return resolveDuplicates(
    rows.map(({ lost, kept }) => ({
      lost: Number(lost),
      kept: kept === null ? undefined : Number(kept),
    })),
  );
}

/** The lowest, each with the record that keeps its key in the end. */
export function resolveDuplicates(found: readonly Duplicate[]): readonly Duplicate[] {
  const lowest = lowestDuplicates(found);
  const lostTo = new Map(lowest.map(({ lost, kept }) => [lost, kept]));
  return lowest.map(({ lost }) => {
    let kept = lostTo.get(lost);
    while (kept !== undefined && lostTo.has(kept)) kept = lostTo.get(kept);
    return { lost, kept };
  });
}
