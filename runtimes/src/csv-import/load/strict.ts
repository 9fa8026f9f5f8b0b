/**
 * Storing under `onConflict: Fail`: as FirstWins does, and telling which records lost their key.
 *
 * New keys are inserted first; the statement waits for every other worker that is inserting one of
 * them, so afterwards each key of the stage is in the table, committed or ours. Only then are the rows
 * of the others' looked at, locked in key order: nobody who is waited for here is still inserting, so
 * workers cannot wait for each other in a circle. A chunk without duplicates costs the insert alone.
 */
import type { Duplicate } from '../../chunks/duplicates.ts';
import { duplicatesNoted } from '../../chunks/duplicates.ts';
import type { Session } from '../../connectors/postgres/database.ts';
import { sqlIdentifier } from '../../connectors/postgres/identifier.ts';
import { basePosition, positionOffsetBits } from '../../rows/row-encoder.ts';
import type { MergeOptions, Stored } from './merge.ts';
import { positionColumn } from './target.ts';

export interface StrictStatements {
  readonly insert: string;
  /** Locks what others hold and says who loses to whom. */
  readonly findLosers: string;
  /** Gives keys to the lower record, where a higher one of this import holds them. */
  readonly replace: string;
}

interface StrictParts {
  readonly list: string;
  readonly stage: string;
}

export function strictStatements(
  { target, sequence }: MergeOptions,
  { list, stage }: StrictParts,
): StrictStatements {
  const table = sqlIdentifier(target.table);
  const position = sqlIdentifier(positionColumn);
  const base = basePosition(sequence);
  const key = target.key.map(sqlIdentifier);
  const order = `${key.join(', ')}, ${position}`;
  const isSame = key.map((name) => `held.${name} = stage.${name}`).join(' AND ');
  const updates = target.columns
    .map((column) => column.name)
    .filter((name) => !target.key.includes(name))
    .concat(positionColumn)
    .map((name) => `${sqlIdentifier(name)} = stage.${sqlIdentifier(name)}`);
  // Where bytes do not tell equal keys, the stage may hold a key twice: the lowest comes first.
  const lowest = target.isKeyExact
    ? stage
    : `(SELECT DISTINCT ON (${key.join(', ')}) * FROM ${stage} ORDER BY ${order})`;
  return {
    insert: `INSERT INTO ${table} (${list}) SELECT ${list} FROM ${stage}
      ${target.isKeyExact ? '' : `ORDER BY ${order}`} ON CONFLICT (${key.join(', ')}) DO NOTHING`,
    // One index lookup a key, whatever the planner thinks of a table that grows as it looks.
    findLosers: `SET LOCAL enable_seqscan = off;
      WITH met AS MATERIALIZED (
        SELECT held.${position} AS held_at, stage.${position} AS staged_at
        FROM ${stage} AS stage JOIN ${table} AS held ON ${isSame}
        WHERE held.${position} <> stage.${position}
        ORDER BY ${key.map((name) => `held.${name}`).join(', ')} FOR UPDATE OF held),
      judged AS (
        SELECT held_at, staged_at, CASE WHEN held_at >= ${base}
          THEN least(held_at, min(staged_at) OVER (PARTITION BY held_at)) END AS kept FROM met),
      losers AS (
        SELECT staged_at AS lost, kept FROM judged WHERE kept IS DISTINCT FROM staged_at
        UNION SELECT held_at, kept FROM judged WHERE kept < held_at)
      SELECT lost, kept FROM losers ORDER BY lost LIMIT ${duplicatesNoted}`,
    replace: `UPDATE ${table} AS held SET ${updates.join(', ')} FROM ${lowest} AS stage
      WHERE ${isSame} AND stage.${position} < held.${position} AND held.${position} >= ${base};
      SET LOCAL enable_seqscan TO DEFAULT`,
  };
}

/** Stores the staged rows. */
export async function storeStrictly(
  tx: Session,
  statements: StrictStatements,
  staged: number,
): Promise<Stored> {
  const { rowCount: inserted } = await tx.query(statements.insert);
  if (inserted === staged) return { inserted, takenOver: 0 };
  const { rows } = await tx.query<{ lost: string; kept: string | null }>(statements.findLosers);
  await tx.query(statements.replace);
  const duplicates: readonly Duplicate[] = rows.map(({ lost, kept }) => ({
    lost: offsetOf(lost),
    kept: kept === null ? undefined : offsetOf(kept),
  }));
  return { inserted, takenOver: 0, duplicates };
}

function offsetOf(position: string): number {
  return Number(BigInt.asUintN(positionOffsetBits, BigInt(position)));
}
