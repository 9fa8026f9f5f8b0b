/**
 * Loads one chunk inside its transaction: parse, type, store, reject, count.
 *
 * Guarantees: every data record of the chunk becomes a row, loses its key to another record, or is
 * in the rejects table; the four counts add up; the outcome depends on the chunk's bytes and the
 * plan, not on the path. Paths: `direct` (COPY into the target) while this import is the only writer
 * of a table that was empty; `merge` (temporary table, ON CONFLICT by position); `bisect` where the
 * server refused something. A loader belongs to one worker and keeps its buffers and what it learnt;
 * it holds one chunk at a time. It does not retry: Transient failures go to the caller, whose
 * transaction is then rolled back.
 */
import { lowestDuplicates, type Duplicate } from '../../chunks/duplicates.ts';
import { DataError } from '../../connectors/postgres/data-error.ts';
import type { Session } from '../../connectors/postgres/database.ts';
import type { Dialect } from '../../csv/dialect.ts';
import {
  beginChunk,
  type BadRecord,
  type ChunkCounts,
  type ParsedRecord,
  type RecordSink,
} from '../../csv/parser.ts';
import type { Sealer } from '../../sealing/sealer.ts';
import { copyRows } from '../../rows/copy-rows.ts';
import type { KeyOrder } from '../../rows/key-index.ts';
import { RowBatch } from '../../rows/row-batch.ts';
import { RowEncoder } from '../../rows/row-encoder.ts';
import type { Mapping } from './mapping.ts';
import {
  bisect,
  bothStored,
  nothingStored,
  runnersUp,
  winners,
  type LoadRows,
  type Settled,
} from './bisect.ts';
import { copyTargetSql, copyToTarget, inSavepoint, isKeyConflict } from './direct.ts';
import { duplicatesInChunk } from './losers.ts';
import {
  mergeRows,
  mergeStatements,
  type MergeStatements,
  type OnConflict,
  type Stored,
} from './merge.ts';
import { splitRows, splitStatements, type SplitStatements } from './split.ts';
import { streamToTarget, type Streamed, type Typing } from './stream.ts';
import { writeRejects, type Reject } from './rejects.ts';
import type { RecordSelection } from './sink-port.ts';
import type { Target } from './target.ts';

export interface LoadPlan {
  readonly importUid: string;
  readonly dialect: Dialect;
  readonly maxRecordBytes: number;
  readonly mapping: Mapping;
  readonly target: Target;
  readonly onConflict: OnConflict;
  readonly sequence: number;
  /** Whether the direct path may be tried; a keyless target is always loaded directly. */
  readonly mode: 'direct' | 'merge';
  /** Bytes typed between two looks at the connection; tests make it small. */
  readonly stepBytes?: number;
}

export interface LoadedChunkInput {
  readonly chunk: number;
  readonly bytes: Buffer;
  readonly offset: number;
  readonly firstLine?: number;
  readonly only?: RecordSelection;
  /** Of this attempt; needed where a column is sealed. */
  readonly sealer?: Sealer;
}

export type LoadPath = 'direct' | 'merge' | 'bisect';

export interface LoadedChunk {
  readonly read: number;
  readonly rejected: number;
  readonly rejectReasons: Readonly<Record<string, number>>;
  readonly superseded: number;
  readonly comments: number;
  readonly blank: number;
  readonly path: LoadPath;
  /** Under Fail: the lowest of the records that lost their key. */
  readonly duplicates?: readonly Duplicate[];
}

/** So many chunks may fail on the direct path before the worker stops trying; each cost a COPY. */
const directFailuresMax = 3;
/** Below this many rows one merge is cheaper than asking which keys are held. */
const splitRowsMin = 500;
/** With more keys held than this, asking costs more than it saves … */
const heldShareMax = 0.4;
/** … so the next chunks are merged without asking. */
const wholeChunksBetween = 7;
/** A key that came between question and COPY is there for the second question. */
const splitAttempts = 2;

/** Five milliseconds of typing: the server has that much in the socket's buffers. */
const stepBytesDefault = 256 * 1024;

interface TypingChunk extends Typing {
  readonly counts: Readonly<ChunkCounts>;
  readonly rejects: Reject[];
}

interface Search {
  readonly order: KeyOrder | undefined;
  readonly rows: Uint32Array | undefined;
  readonly load: LoadRows;
}

interface StoredChunk extends Settled {
  readonly path: LoadPath;
  /** Of the chunk's keys; absent where none of them can repeat. */
  readonly order?: KeyOrder | undefined;
}

export class ChunkLoader {
  readonly #plan: LoadPlan;
  readonly #encoder: RowEncoder;
  readonly #batch = new RowBatch();
  readonly #copySql: string;
  readonly #merge: MergeStatements;
  readonly #split: SplitStatements;
  #directFailures = 0;
  /** Chunks whose keys rose only at first. */
  #unsortedChunks = 0;
  /** Chunks to merge as a whole before asking again how many keys are held. */
  #wholeChunks = 0;

  constructor(plan: LoadPlan) {
    const { mapping, target } = plan;
    this.#plan = plan;
    const columns = mapping.columns.map((column) => {
      const facts = target.columns.find((candidate) => candidate.name === column.name);
      const scale = facts?.scale === undefined ? {} : { scale: facts.scale };
      return { ...column, ...scale, isJsonb: facts?.sqlType === 'jsonb' };
    });
    this.#encoder = new RowEncoder({
      columns,
      key: target.key,
      table: target.table,
      width: mapping.width,
      ...(mapping.header === undefined ? {} : { header: mapping.header }),
      ...(target.hasPosition ? { sequence: plan.sequence } : {}),
    });
    this.#copySql = copyTargetSql(target);
    this.#merge = mergeStatements(plan);
    this.#split = splitStatements(target);
  }

  async load(tx: Session, input: LoadedChunkInput): Promise<LoadedChunk> {
    const typing = this.#beginTyping(input);
    const { rejects } = typing;
    const streamed = await this.#tryStream(tx, typing);
    while (typing.more());
    const stored: StoredChunk =
      typeof streamed === 'number'
        ? { inserted: streamed, takenOver: 0, refused: [], path: 'direct' }
        : await this.#store(tx, streamed);
    for (const { row, ...refusal } of stored.refused) {
      rejects.push({ ...this.#batch.source(row), ...refusal });
    }
    const { importUid, target } = this.#plan;
    await writeRejects(tx, target.table, { ...input, importUid, rejects });
    const accepted = this.#batch.count - stored.refused.length;
    const { records, bad, comments, blank } = typing.counts;
    return {
      read: records + bad,
      comments,
      blank,
      rejected: rejects.length,
      rejectReasons: countReasons(rejects),
      superseded: accepted - stored.inserted - stored.takenOver,
      path: stored.path,
      ...this.#duplicates(input, stored),
    };
  }

  #duplicates(
    { offset }: LoadedChunkInput,
    { order, refused, duplicates = [] }: StoredChunk,
  ): Pick<LoadedChunk, 'duplicates'> {
    if (this.#plan.onConflict !== 'Fail') return {};
    const inChunk =
      order === undefined
        ? []
        : duplicatesInChunk(order, refused, {
            offsetOf: (row) => offset + this.#batch.source(row).start,
          });
    return { duplicates: lowestDuplicates([...duplicates, ...inChunk]) };
  }

  #beginTyping(input: LoadedChunkInput): TypingChunk {
    const { dialect, maxRecordBytes, stepBytes = stepBytesDefault } = this.#plan;
    const batch = this.#batch;
    const encoder = this.#encoder;
    const rejects: Reject[] = [];
    batch.reset();
    if (input.sealer !== undefined) encoder.sealWith(input.sealer);
    const { bytes, offset, only } = input;
    const parsing = beginChunk(
      { bytes, offset, dialect, maxRecordBytes },
      selecting(only, rejects, {
        record: (record) => {
          const refusal = encoder.encode(record, batch);
          if (refusal === undefined) return;
          const { start, end, line } = record;
          rejects.push({ start, end, line, ...refusal });
        },
        bad: ({ start, end, line, reason }: BadRecord) => {
          rejects.push({ start, end, line, reason });
        },
      }),
    );
    let typedTo = 0;
    return {
      batch,
      counts: parsing.counts,
      rejects,
      more: () => {
        typedTo += stepBytes;
        return parsing.readTo(typedTo);
      },
    };
  }

  /** Copies rows as they are typed, where they may go as they come; undefined if they may not. */
  async #tryStream(tx: Session, typing: Typing): Promise<Streamed | undefined> {
    const { keys } = this.#batch;
    if (!this.#mayCopy() || this.#unsortedChunks >= directFailuresMax) return undefined;
    // A chunk of one step has nothing to be done meanwhile, and most unsorted ones show it here.
    if (!typing.more() || !keys.isAscendingFrom(0)) return undefined;
    const streamed = await streamToTarget(tx, this.#copySql, typing);
    if (streamed === 'OutOfOrder') this.#unsortedChunks += 1;
    if (streamed === 'KeyConflict') this.#directFailures += 1;
    return streamed;
  }

  #mayCopy(): boolean {
    const { mode, target } = this.#plan;
    if (target.key.length === 0) return true;
    return mode === 'direct' && this.#directFailures < directFailuresMax;
  }

  /** `streamed` says why the chunk could not be streamed, if that was tried. */
  async #store(tx: Session, streamed: Streamed | undefined): Promise<StoredChunk> {
    if (this.#batch.count === 0) {
      return { inserted: 0, takenOver: 0, refused: [], path: this.#plan.mode };
    }
    if (this.#plan.target.key.length === 0) return this.#storeKeyless(tx);
    const isHopeless = streamed === 'KeyConflict' || streamed === 'Refused';
    return this.#storeKeyed(tx, { mayCopy: !isHopeless && this.#mayCopy() });
  }

  async #storeKeyless(tx: Session): Promise<StoredChunk> {
    const load = async (rows: Uint32Array | undefined): Promise<Stored> => {
      const inserted = await copyToTarget(tx, this.#copySql, { batch: this.#batch, rows });
      return { inserted, takenOver: 0 };
    };
    try {
      return { ...(await load(undefined)), refused: [], path: 'direct' };
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      return { ...(await bisect(allRows(this.#batch.count), load)), path: 'bisect' };
    }
  }

  /** Direct if it may be, else merged at once, else the refused rows are searched for. */
  async #storeKeyed(tx: Session, { mayCopy }: { mayCopy: boolean }): Promise<StoredChunk> {
    const order = this.#batch.keys.order();
    const rows = order === undefined ? undefined : winners(order, this.#plan.onConflict);
    const copied = mayCopy ? await this.#tryDirect(tx, rows) : undefined;
    if (copied !== undefined)
      return { inserted: copied, takenOver: 0, refused: [], path: 'direct', order };
    const count = rows?.length ?? this.#batch.count;
    const split = this.#maySplit(count)
      ? await this.#trySplit(tx, rows ?? allRows(count))
      : undefined;
    if (split !== undefined) return { ...split, refused: [], path: 'merge', order };
    const load = (some: Uint32Array | undefined): Promise<Stored> =>
      inSavepoint(tx, () => mergeRows(tx, this.#merge, { batch: this.#batch, rows: some }));
    const loadApart = async (some: Uint32Array): Promise<Stored> => {
      const stored = await load(some);
      await tx.query(this.#merge.emptyStage);
      return stored;
    };
    try {
      return { ...(await load(rows)), refused: [], path: 'merge', order };
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
    }
    return { ...(await this.#search({ order, rows, load: loadApart })), path: 'bisect', order };
  }

  /** Rounds of bisection: those whose winner was refused come again with their runner-up. */
  async #search(search: Search): Promise<Settled> {
    const { order, load } = search;
    const total = { ...nothingStored, refused: [] as Settled['refused'] };
    let next = search.rows ?? allRows(this.#batch.count);
    while (next.length > 0) {
      const settled = await bisect(next, load);
      const refused = [...total.refused, ...settled.refused];
      Object.assign(total, bothStored(total, settled), { refused });
      if (order === undefined) break;
      next = runnersUp(order, settled.refused, this.#plan.onConflict);
    }
    return total;
  }

  /** Whether to ask for this chunk which of its keys are held. */
  #maySplit(count: number): boolean {
    if (count < splitRowsMin || !this.#plan.target.isKeyExact) return false;
    this.#wholeChunks -= 1;
    return this.#wholeChunks < 0;
  }

  /** What was stored by copying new keys and merging held ones, or undefined to merge them all. */
  async #trySplit(tx: Session, rows: Uint32Array): Promise<Stored | undefined> {
    const batch = this.#batch;
    for (let attempt = 0; attempt < splitAttempts && this.#wholeChunks < 0; attempt += 1) {
      const { fresh, held } = await splitRows(tx, this.#split, { batch, rows });
      if (held.length > rows.length * heldShareMax) this.#wholeChunks = wholeChunksBetween;
      if (held.length === rows.length) return undefined;
      try {
        return await inSavepoint(tx, () => this.#storeSplit(tx, fresh, held));
      } catch (error) {
        if (!(error instanceof DataError) && !isKeyConflict(error)) throw error;
        if (!isKeyConflict(error)) return undefined;
      }
    }
    return undefined;
  }

  async #storeSplit(tx: Session, fresh: Uint32Array, held: Uint32Array): Promise<Stored> {
    const batch = this.#batch;
    const inserted = await copyRows(tx.copyIn(this.#copySql), batch, fresh);
    if (held.length === 0) return { inserted, takenOver: 0 };
    const merged = await mergeRows(tx, this.#merge, { batch, rows: held });
    return bothStored({ inserted, takenOver: 0 }, merged);
  }

  /** The rows copied, or undefined if they have to be merged. */
  async #tryDirect(tx: Session, rows: Uint32Array | undefined): Promise<number | undefined> {
    try {
      return await copyToTarget(tx, this.#copySql, { batch: this.#batch, rows });
    } catch (error) {
      if (isKeyConflict(error)) this.#directFailures += 1;
      else if (!(error instanceof DataError)) throw error;
      return undefined;
    }
  }
}

/** Hands on the selected records; poison becomes rejects without being looked at. */
function selecting(
  only: RecordSelection | undefined,
  rejects: Reject[],
  sink: RecordSink,
): RecordSink {
  if (only === undefined) return sink;
  const poison = new Set(only.poison);
  let next = 0;
  const takes = ({ start, end, line }: BadRecord | ParsedRecord): boolean => {
    const record = next;
    next += 1;
    if (record < only.from || record >= only.to) return false;
    if (!poison.has(record)) return true;
    rejects.push({ start, end, line, reason: 'KillsWorker' });
    return false;
  };
  return {
    record: (record) => {
      if (takes(record)) sink.record(record);
    },
    bad: (record) => {
      if (takes(record)) sink.bad(record);
    },
  };
}

function allRows(count: number): Uint32Array {
  return Uint32Array.from({ length: count }, (_, row) => row);
}

function countReasons(rejects: readonly Reject[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { reason } of rejects) counts[reason] = (counts[reason] ?? 0) + 1;
  return counts;
}
