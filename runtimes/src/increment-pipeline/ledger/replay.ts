/**
 * Adds dead letters that wait: after sums were lowered, a key was given up, or a release can read what
 * another could not.
 *
 * A letter is marked in the transaction that adds it, and the rows of all partitions are locked first,
 * as workers lock theirs: it is added once, however often and by however many this is called. Of a
 * letter whose items do not all fit, those that do are added and the rest stays. Redis is not needed.
 */
import type { Database, Sql } from '../../connectors/postgres/database.ts';
import { decodeEntry, itemBytes } from '../stream/entry.ts';
import { parseEntryName } from '../stream/names.ts';
import {
  itemsAt,
  keptEntry,
  sumsWithout,
  type DeadLetterReason,
  type TakenEntry,
} from '../worker/batch.ts';
import { findOverflows } from '../worker/overflow.ts';
import { insertRequests, judgeRequests, type Verdict } from '../worker/requests.ts';
import { upsertSums } from '../worker/upsert.ts';

export interface ReplayOptions {
  readonly pipeline: string;
  readonly table: string;
  /** Only these; else all that wait. */
  readonly ids?: readonly bigint[];
  /** Finds out what would happen, and writes nothing. */
  readonly isDryRun: boolean;
}

export interface ReplayedLetter {
  readonly id: bigint;
  readonly partition: number;
  readonly entry: string;
  /** Why it was put aside. */
  readonly reason: DeadLetterReason;
  readonly increments: number;
  /** How many of them are in the sums now. */
  readonly added: number;
  /** Repetition: of a request that is in the sums already, so it is done with. */
  readonly outcome: 'Added' | 'Repetition' | 'Stays';
  /** Why it stays, or the rest of it. */
  readonly why?: DeadLetterReason;
}

/** A transaction each; together they fit into memory, and workers wait only briefly. */
const lettersAtOnce = 1_000;

/** Yields what became of the letters, in the order of their ids, each part after its commit. */
export async function* replayDeadLetters(
  db: Database,
  options: ReplayOptions,
): AsyncGenerator<readonly ReplayedLetter[]> {
  for (let after = 0n; ;) {
    const from = after;
    const part = await db.transaction((tx) => replayPart(tx, options, from));
    if (part.length > 0) yield part;
    if (part.length < lettersAtOnce) return;
    after = part.at(-1)?.id ?? after;
  }
}

interface LetterRow {
  readonly id: string;
  readonly partition: number;
  readonly incarnation: number;
  readonly entry: string;
  readonly reason: DeadLetterReason;
  readonly increments: string;
  readonly payload: Buffer;
}

const lettersSql = `
SELECT id, partition, incarnation, entry, reason, increments, payload
FROM millrace.increment_dead_letters
WHERE pipeline = $1 AND replayed_at IS NULL AND id > $2 AND ($3::bigint[] IS NULL OR id = ANY ($3))
ORDER BY id LIMIT ${lettersAtOnce} FOR UPDATE`;
const lockSql = `
SELECT FROM millrace.increment_partitions WHERE pipeline = $1 ORDER BY partition FOR UPDATE`;

async function replayPart(
  tx: Sql,
  { pipeline, table, ids, isDryRun }: ReplayOptions,
  after: bigint,
): Promise<readonly ReplayedLetter[]> {
  await tx.query(lockSql, [pipeline]);
  const { rows } = await tx.query<LetterRow>(lettersSql, [pipeline, after, ids ?? null]);
  const letters = rows.map(readable);
  const entries = letters.map(({ entry }) => entry);
  const verdicts = await verdictsOf(tx, pipeline, letters);
  const excluded = new Map<number, 'All' | ReadonlySet<number>>();
  for (const [at, letter] of letters.entries()) {
    if (letter.refused !== undefined || !isFirst(verdicts.get(at))) excluded.set(at, 'All');
  }
  const overflows = await findOverflows(tx, table, { entries, excluded });
  for (const [at, items] of overflows) excluded.set(at, items);
  const results = letters.map((letter, at) =>
    resultOf(letter, verdicts.get(at), overflows.get(at)),
  );
  if (isDryRun) return results.map(({ result }) => result);
  await upsertSums(tx, table, sumsWithout(entries, excluded));
  for (const [at, letter] of letters.entries()) {
    if (excluded.get(at) === 'All' || letter.entry.request === undefined) continue;
    const { partition, incarnation } = letter.row;
    const place = { pipeline, partition, incarnation, windowMs: Infinity };
    await insertRequests(tx, [{ id: letter.entry.id, request: letter.entry.request }], place);
  }
  for (const result of results) await note(tx, pipeline, result);
  return results.map(({ result }) => result);
}

interface Letter {
  readonly row: LetterRow;
  readonly entry: TakenEntry;
  /** It still cannot be read. */
  readonly refused?: DeadLetterReason;
}

function readable(row: LetterRow): Letter {
  const id = parseEntryName(row.entry)?.id ?? '0-0';
  if (row.reason === 'SumOverflow' || row.reason === 'RequestMismatch') {
    return { row, entry: { id, items: row.payload } };
  }
  const decoded = decodeEntry(keptEntry(id, row.payload));
  return 'refused' in decoded
    ? { row, entry: { id, items: Buffer.alloc(0) }, refused: decoded.refused }
    : { row, entry: { id, ...decoded } };
}

/** Requests are looked for partition by partition, as workers do; most letters have none. */
async function verdictsOf(
  tx: Sql,
  pipeline: string,
  letters: readonly Letter[],
): Promise<ReadonlyMap<number, Verdict>> {
  const entries = letters.map(({ entry }) => entry);
  const place = { pipeline, partition: 0, incarnation: 0, windowMs: Infinity };
  return await judgeRequests(tx, entries, place);
}

function isFirst(verdict: Verdict | undefined): boolean {
  return verdict === undefined || verdict === 'First';
}

interface Result {
  readonly result: ReplayedLetter;
  /** What stays of it. */
  readonly rest?: Buffer;
}

function resultOf(
  { row, entry, refused }: Letter,
  verdict: Verdict | undefined,
  overflow: ReadonlySet<number> | undefined,
): Result {
  const { partition, reason } = row;
  const increments = Number(row.increments);
  const common = { id: BigInt(row.id), partition, entry: row.entry, reason, increments };
  if (refused !== undefined) {
    return { result: { ...common, added: 0, outcome: 'Stays', why: refused } };
  }
  if (verdict === 'Mismatch') {
    return { result: { ...common, added: 0, outcome: 'Stays', why: 'RequestMismatch' } };
  }
  if (verdict === 'Repeated') return { result: { ...common, added: 0, outcome: 'Repetition' } };
  const added = entry.items.length / itemBytes - (overflow?.size ?? 0);
  if (overflow === undefined) return { result: { ...common, added, outcome: 'Added' } };
  const result: ReplayedLetter = { ...common, added, outcome: 'Stays', why: 'SumOverflow' };
  return { result, rest: itemsAt(entry.items, overflow) };
}

const countSql = `
UPDATE millrace.increment_partitions SET committed = committed + $3, duplicates = duplicates + $4,
  dead_letters = dead_letters - $5
WHERE pipeline = $1 AND partition = $2`;
const restSql = `
UPDATE millrace.increment_dead_letters SET reason = 'SumOverflow', payload = $2, increments = $3
WHERE id = $1`;

async function note(tx: Sql, pipeline: string, { result, rest }: Result): Promise<void> {
  const { id, partition, increments, added, outcome } = result;
  const duplicates = outcome === 'Repetition' ? increments : 0;
  const left = rest === undefined ? 0 : rest.length / itemBytes;
  if (outcome === 'Stays' && rest === undefined) return;
  await tx.query(countSql, [pipeline, partition, added, duplicates, increments - left]);
  if (rest === undefined) {
    const sql = 'UPDATE millrace.increment_dead_letters SET replayed_at = now() WHERE id = $1';
    await tx.query(sql, [id]);
  } else {
    await tx.query(restSql, [id, rest, left]);
  }
}
