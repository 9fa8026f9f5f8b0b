/**
 * Commits a batch: sums, requests, dead letters and the partition's position in one transaction.
 *
 * Its first write moves the position, under the owner's epoch, from exactly where the batch began. So
 * one of two workers that both believe they own a partition finds no row and writes nothing, and a
 * batch that was committed without its worker hearing of it cannot be committed again. Whoever gets
 * an error must read the row again: the commit may have happened.
 *
 * Sums are upserted in the order of keys, as everybody does who locks several, so that two commits
 * cannot lock each other out.
 */
import { Transient } from '@millrace/kit/transient';
import { DataError } from '../../connectors/postgres/data-error.ts';
import type { Database, Session, Sql } from '../../connectors/postgres/database.ts';
import { itemBytes } from '../stream/entry.ts';
import {
  itemsAt,
  sumsWithout,
  type Batch,
  type DeadLetter,
  type Exclusions,
  type TakenEntry,
} from './batch.ts';
import { insertDeadLetters } from './dead-letters.ts';
import type { KeySums } from './key-sums.ts';
import { findOverflows } from './overflow.ts';
import {
  correctCounts,
  moveAndAdd,
  movePosition,
  type Changes,
  type CommitRequest,
} from './position.ts';
import { upsertSums } from './upsert.ts';
import { insertRequests, judgeRequests, type Verdict } from './requests.ts';

export interface Committed {
  readonly outcome: 'Committed';
  readonly keys: number;
  /** In increments. */
  readonly committed: number;
  readonly duplicates: number;
  readonly deadLetters: readonly DeadLetter[];
}

export type { CommitRequest, Fence } from './position.ts';

export type CommitOutcome = Committed | { readonly outcome: 'Fenced' };

/** A sum that grew in between may overflow after all; more often than this somebody else interferes. */
const attemptsMax = 5;

export async function commitBatch(
  database: Database,
  request: CommitRequest,
): Promise<CommitOutcome> {
  const { batch, table } = request;
  let isCareful = batch.sums.overflows();
  if (!isCareful && isPlain(batch)) {
    try {
      return await commitPlain(database, request);
    } catch (error) {
      if (!isOverflow(error)) throw refusal(error, table);
      isCareful = true;
    }
  }
  for (let attempt = 1; attempt <= attemptsMax; attempt++) {
    try {
      return await database.transaction((tx) => commitOnce(tx, request, isCareful));
    } catch (error) {
      if (!isOverflow(error)) throw refusal(error, table);
      isCareful = true;
    }
  }
  throw new Transient('Contended', 'Sums at the greatest bigint kept growing during a commit.', {
    backend: 'postgres',
  });
}

function isPlain({ refused, entries, sums }: Batch): boolean {
  return (
    refused.length === 0 && sums.size > 0 && entries.every(({ request }) => request === undefined)
  );
}

/** Nearly all batches: the whole transaction is one statement, and one round trip. */
async function commitPlain(database: Database, request: CommitRequest): Promise<CommitOutcome> {
  const { batch, table } = request;
  const { size: keys } = batch.sums;
  const { increments: committed } = batch;
  const changes = { committed, duplicates: 0, deadLetters: 0 };
  const isMoved = await moveAndAdd(database, table, { position: request, changes });
  if (!isMoved) return { outcome: 'Fenced' };
  return { outcome: 'Committed', keys, committed, duplicates: 0, deadLetters: [] };
}

function isOverflow(error: unknown): boolean {
  return error instanceof DataError && error.sqlstate === '22003';
}

/** A constraint or trigger that others put on the table: it must go, and until then nothing is lost. */
function refusal(error: unknown, table: string): unknown {
  if (!(error instanceof DataError)) return error;
  const what = error.constraint === undefined ? '' : ` (${error.constraint})`;
  return new Transient(
    'TargetRefuses',
    `The table ${table} or the ledger refuses a row${what}: remove the constraint or trigger.`,
    { backend: 'postgres', cause: error },
  );
}

/** What becomes of the entries of a batch. */
interface Plan {
  readonly sums: KeySums;
  readonly committed: number;
  readonly duplicates: number;
  readonly deadLetters: readonly DeadLetter[];
  readonly firsts: readonly TakenEntry[];
}

async function commitOnce(
  tx: Session,
  request: CommitRequest,
  isCareful: boolean,
): Promise<CommitOutcome> {
  const { pipeline, fence, batch, windowMs } = request;
  const place = { pipeline, ...fence, windowMs };
  const expected = planOf(batch, new Map(), new Map());
  if (!(await movePosition(tx, request, changesOf(expected)))) return { outcome: 'Fenced' };
  const plan = await finalPlan(tx, request, { expected, isCareful });
  if (plan !== expected) {
    await correctCounts(tx, request, { from: changesOf(expected), to: changesOf(plan) });
  }
  await upsertSums(tx, request.table, plan.sums);
  const firsts = plan.firsts.flatMap(({ id, request: digests }) =>
    digests === undefined ? [] : [{ id, request: digests }],
  );
  await insertRequests(tx, firsts, place).catch((error: unknown) => {
    throw missingDay(error);
  });
  await insertDeadLetters(tx, plan.deadLetters, place);
  const { committed, duplicates, deadLetters } = plan;
  return { outcome: 'Committed', keys: plan.sums.size, committed, duplicates, deadLetters };
}

async function finalPlan(
  tx: Sql,
  { pipeline, table, fence, batch, windowMs }: CommitRequest,
  { expected, isCareful }: { readonly expected: Plan; readonly isCareful: boolean },
): Promise<Plan> {
  const place = { pipeline, ...fence, windowMs };
  const verdicts = await judgeRequests(tx, batch.entries, place);
  const repeated = new Map<number, 'All'>();
  for (const [at, verdict] of verdicts) if (verdict !== 'First') repeated.set(at, 'All');
  const overflows = isCareful
    ? await findOverflows(tx, table, { entries: batch.entries, excluded: repeated })
    : new Map<number, ReadonlySet<number>>();
  if (repeated.size + overflows.size === 0) return expected;
  return planOf(batch, verdicts, overflows);
}

function planOf(
  batch: Batch,
  verdicts: ReadonlyMap<number, Verdict>,
  overflows: ReadonlyMap<number, ReadonlySet<number>>,
): Plan {
  const excluded = new Map<number, 'All' | ReadonlySet<number>>(overflows);
  const deadLetters = [...batch.refused];
  const firsts: TakenEntry[] = [];
  let { increments: committed } = batch;
  let duplicates = 0;
  for (const [at, entry] of batch.entries.entries()) {
    const verdict = verdicts.get(at);
    const count = entry.items.length / itemBytes;
    if (verdict === 'Repeated') duplicates += count;
    if (verdict === 'Mismatch') deadLetters.push(letter(entry, 'RequestMismatch', entry.items));
    if (verdict === 'Repeated' || verdict === 'Mismatch') {
      excluded.set(at, 'All');
      committed -= count;
      continue;
    }
    if (entry.request !== undefined) firsts.push(entry);
    const culprits = overflows.get(at);
    if (culprits === undefined) continue;
    committed -= culprits.size;
    deadLetters.push(letter(entry, 'SumOverflow', itemsAt(entry.items, culprits)));
  }
  const sums =
    excluded.size === 0 ? batch.sums : sumsWithout(batch.entries, excluded as Exclusions);
  return { sums, committed, duplicates, deadLetters, firsts };
}

function changesOf({ committed, duplicates, deadLetters }: Plan): Changes {
  const increments = deadLetters.reduce((sum, dead) => sum + dead.increments, 0);
  return { committed, duplicates, deadLetters: increments };
}

function letter(
  entry: TakenEntry,
  reason: 'RequestMismatch' | 'SumOverflow',
  payload: Buffer,
): DeadLetter {
  return { id: entry.id, reason, increments: payload.length / itemBytes, payload };
}

function missingDay(error: unknown): unknown {
  if (!(error instanceof DataError) || error.sqlstate !== '23514') return error;
  return new Transient(
    'RequestDaysMissing',
    'There is no table for the requests of today: grant the owner’s rights with POSTGRES_OWNER_URL.',
    { backend: 'postgres', cause: error },
  );
}
