/**
 * The comparison of sealed values, which no server can make: pairs of a stored value and the one that
 * the source gives are opened here, a bounded number at a time, and forgotten again.
 *
 * Compared are rows of the same record whose other columns agree, so that a row is told of once. A
 * stored value that does not open, and a blind index that is not of its value, are differences too; a
 * key that is missing ends the verification, and its id is named.
 */
import { Permanent } from '@millrace/kit/permanent';
import type { Session } from '../../connectors/postgres/database.ts';
import { sqlIdentifier } from '../../connectors/postgres/identifier.ts';
import { basePosition } from '../../rows/row-encoder.ts';
import { blindIndexes } from '../../sealing/blind-index.ts';
import type { KeyRingReader } from '../../sealing/key-ring.ts';
import { Opener } from '../../sealing/opener.ts';
import { positionColumn } from '../load/target.ts';
import { sealedRelations, type SealedRelation } from '../reseal/relation.ts';
import type { Config } from '../reseal/relation.ts';
import {
  findingsOf,
  type Finding,
  type FoundPlace,
  type ShadowedTables,
  type TableDifferences,
} from './tables.ts';

export interface SealedComparison {
  readonly config: Config;
  readonly tables: ShadowedTables;
  readonly uid: string;
  readonly seq: number;
  readonly keys: KeyRingReader;
}

interface Pair {
  readonly place: string;
  readonly found_identity: readonly Buffer[];
  readonly expected_identity: readonly Buffer[];
  readonly found: readonly (Buffer | null)[];
  readonly expected: readonly (Buffer | null)[];
  readonly indexes: readonly (Buffer | null)[];
}

const fetchedRows = 1_000;
const placesMax = 3;

/** What was found already, and what differs in sealed values. */
export async function compareSealed(
  session: Session,
  comparison: SealedComparison,
  before: TableDifferences,
): Promise<TableDifferences> {
  const places: FoundPlace[] = [...before.places];
  const counts: Record<Finding, number> = { ...before.counts };
  for (const relation of sealedRelations(comparison.config)) {
    const isRejects = relation.kind === 'Rejects';
    const findings: readonly Finding[] = isRejects
      ? ['RejectMissing', 'RejectExtra']
      : ['OtherValues'];
    let lowest: Omit<FoundPlace, 'finding'>[] = [];
    for await (const place of differingPlaces(session, relation, { ...comparison, isRejects })) {
      for (const finding of findings) counts[finding] += 1;
      // The first few are told; the rest is counted.
      lowest = [...lowest, place]
        .toSorted((one, other) => one.offset - other.offset)
        .slice(0, placesMax);
    }
    places.push(...findings.flatMap((finding) => lowest.map((place) => ({ finding, ...place }))));
  }
  return { ...before, counts, places: findingsOf(places) };
}

type Comparing = SealedComparison & { readonly isRejects: boolean };

async function* differingPlaces(
  session: Session,
  relation: SealedRelation,
  comparing: Comparing,
): AsyncGenerator<Omit<FoundPlace, 'finding'>> {
  const { seq, isRejects } = comparing;
  const opener = new Opener(comparing.keys);
  const base = isRejects ? 0n : basePosition(seq);
  await session.query('BEGIN');
  await session.query(
    `DECLARE millrace_sealed NO SCROLL CURSOR FOR ${pairsSql(relation, comparing)}`,
  );
  for (;;) {
    const { rows } = await session.query<Pair>(`FETCH ${fetchedRows} FROM millrace_sealed`);
    if (rows.length === 0) break;
    for (const pair of rows) {
      const columns = differingColumns(pair, relation, { opener, keys: comparing.keys });
      if (columns.length > 0) yield { offset: Number(BigInt(pair.place) - base), columns };
    }
  }
  await session.query('COMMIT');
}

function pairsSql(relation: SealedRelation, { tables, uid, seq, isRejects }: Comparing): string {
  const values = relation.fields.map(({ column }) => sqlIdentifier(column));
  const indexes = relation.fields.map(({ index }) =>
    index === undefined ? 'NULL' : sqlIdentifier(index.column),
  );
  const place = isRejects ? 'record_offset' : sqlIdentifier(positionColumn);
  const plain = isRejects ? [] : tables.columns.map((name) => `${sqlIdentifier(name)}::text`);
  const parts = `${place} AS place, ARRAY[${relation.identity.join(', ')}] AS identity,
    ARRAY[${values.join(', ')}]::bytea[] AS values, ARRAY[${indexes.join(', ')}]::bytea[] AS indexes,
    ARRAY[${plain.join(', ')}]::text[] AS plain`;
  // The uid comes from the ledger and has the form of one; a cursor takes no parameters here.
  const own = isRejects
    ? `import = '${uid.replaceAll(/[^0-9a-f-]/gi, '')}'::uuid`
    : `${place} >= ${basePosition(seq)} AND ${place} < ${basePosition(seq + 1)}`;
  return `SELECT a.place::text AS place, a.identity AS found_identity, e.identity AS expected_identity,
      a.values AS found, e.values AS expected, a.indexes
    FROM (SELECT ${parts} FROM ${isRejects ? tables.realRejects : tables.real} WHERE ${own}) a
    JOIN (SELECT ${parts} FROM ${isRejects ? tables.expectedRejects : tables.expected}) e ON a.place = e.place
    WHERE a.plain IS NOT DISTINCT FROM e.plain`;
}

interface Opening {
  readonly opener: Opener;
  readonly keys: KeyRingReader;
}

function differingColumns(
  pair: Pair,
  { fields }: SealedRelation,
  { opener, keys }: Opening,
): readonly string[] {
  return fields.flatMap(({ column, index, place }, at) => {
    const expected = openOrNull(opener, pair.expected[at], place(pair.expected_identity));
    const found = attempt(() => openOrNull(opener, pair.found[at], place(pair.found_identity)));
    if (found === undefined || !isSame(found, expected)) return [column];
    if (index === undefined) return [];
    const stored = pair.indexes[at] ?? null;
    const isRight =
      found === null || stored === null
        ? found === stored
        : blindIndexes(keys.current(), index.place, found).some((one) => one.equals(stored));
    return isRight ? [] : [index.column];
  });
}

function openOrNull(
  opener: Opener,
  value: Buffer | null | undefined,
  place: Buffer,
): Buffer | null {
  return value === null || value === undefined ? null : opener.open(value, place);
}

function isSame(one: Buffer | null, other: Buffer | null): boolean {
  return one === null || other === null ? one === other : one.equals(other);
}

/** Undefined where the value does not open. */
function attempt(open: () => Buffer | null): Buffer | null | undefined {
  try {
    return open();
  } catch (error) {
    if (error instanceof Permanent) return undefined;
    throw error;
  }
}
