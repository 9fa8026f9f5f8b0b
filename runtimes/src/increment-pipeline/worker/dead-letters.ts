/** Writes what cannot be added, in the transaction that passes over it. */
import type { Sql } from '../../connectors/postgres/database.ts';
import { entryName } from '../stream/names.ts';
import type { DeadLetter } from './batch.ts';
import { byteaArray } from './binary-array.ts';

export interface DeadLetterPlace {
  readonly pipeline: string;
  readonly partition: number;
  readonly incarnation: number;
}

const insertSql = `
INSERT INTO millrace.increment_dead_letters
  (pipeline, partition, incarnation, entry, reason, increments, payload)
SELECT $1, $2, $3, entry, reason, increments, payload
FROM unnest($4::text[], $5::text[], $6::bigint[], $7::bytea[])
  AS new (entry, reason, increments, payload)`;

export async function insertDeadLetters(
  tx: Sql,
  letters: readonly DeadLetter[],
  place: DeadLetterPlace,
): Promise<void> {
  if (letters.length === 0) return;
  await tx.query(insertSql, [
    place.pipeline,
    place.partition,
    place.incarnation,
    letters.map(({ id }) => entryName(place, id)),
    letters.map(({ reason }) => reason),
    letters.map(({ increments }) => increments),
    byteaArray(letters.map(({ payload }) => payload)),
  ]);
}
