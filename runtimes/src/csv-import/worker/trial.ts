/**
 * One trial: some records of a chunk, loaded as a worker loads them, in a process that may die of it.
 *
 * The task comes in and the word about it goes out as a line of JSON each, over a channel to the
 * worker that started this process. A trial runs in the chunk's claimed transaction, so nobody else
 * works on the chunk meanwhile, and is rolled back unless it is to be kept. A stream is read up to the
 * chunk before that, between two notes: it may take hours, and says nothing of the chunk's records.
 * What is not a Failure is thrown on: the process then ends without a word, as a worker would.
 */
import { createInterface } from 'node:readline';
import type { Duplex } from 'node:stream';
import { Failure, type FailureFamily } from '@millrace/kit/failure';
import { endAttempt } from '../../chunks/attempts.ts';
import { claimChunk, type Claim, type ChunkResult } from '../../chunks/claim.ts';
import { readChunkOffset } from '../../chunks/planned.ts';
import type { RecordSelection } from '../load/sink-port.ts';
import { isSequential } from '../source/sequential-identity.ts';
import {
  chunkTimeoutMs,
  loadClaimed,
  readContext,
  type ChunkWorkOptions,
  type PinnedContext,
} from './chunk-work.ts';

export interface TrialTask extends RecordSelection {
  readonly chunk: number;
  /** Its row in the ledger. */
  readonly attempt: string;
  /** Whether what passes is committed. */
  readonly isKept: boolean;
}

export interface LoadedAlone {
  readonly bytes: number;
  readonly result: ChunkResult;
}

export type Unclaimed = Extract<Claim, { claimed: false }>['why'];

export type TrialWord =
  /** `records` is how many the chunk has, taken or not. */
  | { readonly end: 'Passed'; readonly records: number }
  | ({ readonly end: 'Loaded' } & LoadedAlone)
  | { readonly end: 'Skipped'; readonly why: Unclaimed }
  | {
      readonly end: 'Failed';
      readonly family: FailureFamily;
      readonly code: string;
      readonly message: string;
      readonly backend?: string;
    };

/** Said before the word: a stream is being read up to the chunk, and is there. */
export interface TrialNote {
  readonly at: 'Approaching' | 'Arrived';
}

export type TellNote = (note: TrialNote) => void;

/** Reads the one task. Rejects when the worker has gone before it was there. */
export async function receiveTask(channel: Duplex): Promise<TrialTask> {
  const lines = createInterface({ input: channel });
  for await (const line of lines) return JSON.parse(line) as TrialTask;
  throw new Error('the worker of this trial has gone');
}

export async function sendWord(channel: Duplex, word: TrialWord): Promise<void> {
  await new Promise<void>((resolve) => channel.end(`${JSON.stringify(word)}\n`, () => resolve()));
}

export function sendNote(channel: Duplex, note: TrialNote): void {
  channel.write(`${JSON.stringify(note)}\n`);
}

/** Thrown to undo what has passed. */
class Undone extends Error {
  readonly records: number;

  constructor(records: number) {
    super('a trial is not kept');
    this.records = records;
  }
}

export interface TrialOptions extends ChunkWorkOptions {
  readonly tell?: TellNote;
}

export async function runTrial(task: TrialTask, options: TrialOptions): Promise<TrialWord> {
  try {
    const context = await readContext(options);
    await approach(task, context, options);
    return await tryRecords(task, context, options);
  } catch (error) {
    if (error instanceof Undone) return { end: 'Passed', records: error.records };
    if (!(error instanceof Failure)) throw error;
    const { family, code, message, backend } = error;
    return { end: 'Failed', family, code, message, ...(backend === undefined ? {} : { backend }) };
  }
}

/** What reads ranges of a stream goes on from the last one, so that the chunk itself is near then. */
async function approach(
  { chunk }: TrialTask,
  { pinned }: PinnedContext,
  { db, config, source, tell }: TrialOptions,
): Promise<void> {
  if (!isSequential(pinned)) return;
  const offset = await readChunkOffset(db, { import: config.import.uid, chunk });
  if (offset === undefined) return;
  tell?.({ at: 'Approaching' });
  await source.readRange(pinned, { offset, length: 0 });
  tell?.({ at: 'Arrived' });
}

async function tryRecords(
  task: TrialTask,
  context: PinnedContext,
  options: ChunkWorkOptions,
): Promise<TrialWord> {
  const { db, config, name } = options;
  const { chunk, attempt, isKept, ...only } = task;
  return await db.transaction(
    async (tx): Promise<TrialWord> => {
      const claim = await claimChunk(tx, { import: config.import.uid, chunk }, name);
      if (!claim.claimed) return { end: 'Skipped', why: claim.why };
      const result = await loadClaimed(tx, claim.chunk, { context, options, only });
      if (!isKept) throw new Undone(result.read);
      await endAttempt(tx, attempt, 'Loaded');
      return { end: 'Loaded', bytes: claim.chunk.length, result };
    },
    { statementTimeoutMs: chunkTimeoutMs(config.chunkBytes) },
  );
}
