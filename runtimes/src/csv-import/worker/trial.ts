/**
 * One trial: some records of a chunk, loaded as a worker loads them, in a process that may die of it.
 *
 * The task comes in and the word about it goes out as a line of JSON each, over a channel to the
 * worker that started this process. A trial runs in the chunk's claimed transaction, so nobody else
 * works on the chunk meanwhile, and is rolled back unless it is to be kept. Of a stream the chunk's bytes
 * come with the task: to read up to them may take hours, and the worker has them in its hands. What is
 * not a Failure is thrown on: the process then ends without a word, as a worker would.
 */
import type { Duplex } from 'node:stream';
import { assert } from '@millrace/kit/fault';
import { Failure, type FailureFamily } from '@millrace/kit/failure';
import { endAttempt } from '../../chunks/attempts.ts';
import { claimChunk, type Claim, type ChunkResult } from '../../chunks/claim.ts';
import type { RecordSelection } from '../load/sink-port.ts';
import type { Source } from '../source/source.ts';
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

export interface ReceivedTask {
  readonly task: TrialTask;
  /** The chunk's bytes, if they came with the task. */
  readonly content: Buffer | undefined;
}

/** What `receiveTask` reads: a line of JSON, and so many bytes behind it. */
export function taskLine(task: TrialTask, content: Buffer | undefined): string {
  return `${JSON.stringify({ task, contentBytes: content?.length })}\n`;
}

interface TaskLine {
  readonly task: TrialTask;
  readonly contentBytes?: number;
}

/** Reads the one task. Rejects when the worker has gone before it was there. */
export async function receiveTask(channel: Duplex): Promise<ReceivedTask> {
  let line: TaskLine | undefined;
  let held = Buffer.alloc(0);
  let filled = 0;
  for await (const piece of channel.iterator({ destroyOnReturn: false })) {
    let rest = piece as Buffer;
    if (line === undefined) {
      const read = Buffer.concat([held, rest]);
      const end = read.indexOf('\n');
      line = end < 0 ? undefined : (JSON.parse(read.toString('utf8', 0, end)) as TaskLine);
      held = line === undefined ? read : Buffer.allocUnsafe(line.contentBytes ?? 0);
      rest = read.subarray(end + 1);
    }
    if (line === undefined) continue;
    filled += rest.copy(held, filled);
    if (filled < held.length) continue;
    return { task: line.task, content: line.contentBytes === undefined ? undefined : held };
  }
  throw new Error('the worker of this trial has gone');
}

export async function sendWord(channel: Duplex, word: TrialWord): Promise<void> {
  await new Promise<void>((resolve) => channel.end(`${JSON.stringify(word)}\n`, () => resolve()));
}

/** Thrown to undo what has passed. */
class Undone extends Error {
  readonly records: number;

  constructor(records: number) {
    super('a trial is not kept');
    this.records = records;
  }
}

export async function runTrial(
  { task, content }: ReceivedTask,
  options: ChunkWorkOptions,
): Promise<TrialWord> {
  try {
    const context = await readContext(options);
    const source = content === undefined ? options.source : holding(options.source, content);
    return await tryRecords(task, context, { ...options, source });
  } catch (error) {
    if (error instanceof Undone) return { end: 'Passed', records: error.records };
    if (!(error instanceof Failure)) throw error;
    const { family, code, message, backend } = error;
    return { end: 'Failed', family, code, message, ...(backend === undefined ? {} : { backend }) };
  }
}

/** The chunk's bytes are all that is asked for of it. */
function holding(source: Source, content: Buffer): Source {
  return {
    ...source,
    readRange: (_pinned, { length }) => {
      assert(length === content.length, 'the content of a trial is that of its chunk');
      return Promise.resolve(content);
    },
  };
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
