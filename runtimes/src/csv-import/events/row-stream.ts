/**
 * One client's stream: the rows that are there, then those of each chunk as it is committed, then the
 * end of the import.
 *
 * At least once, never fewer: the first look at the ledger is taken before the first row is read, and
 * every chunk that it did not show is sent later. The rows of a chunk are those whose position is its
 * own when it is read; one that lost its key to another record meanwhile comes with the chunk that won
 * it. It reads when its client has room and never ahead of it; a row that is larger than a page, when
 * there is room for it in what all streams have together. While Postgres is away it waits; the client's
 * connection stays.
 */
import type { Clock } from '@millrace/kit/clock';
import { Failure } from '@millrace/kit/failure';
import { backoffMs, defaultBackoff } from '@millrace/kit/retry';
import { DataError } from '../../connectors/postgres/data-error.ts';
import type { EventSink, ServerEvent } from '../../http/server.ts';
import { basePosition } from '../../rows/row-encoder.ts';
import type { Health } from '../gateway/health.ts';
import {
  chunkStatement,
  pageStatement,
  type MeasuredRow,
  type PageQuery,
  type Statement,
} from '../gateway/sql.ts';
import type { TableShape } from '../gateway/table.ts';
import type { DoneChunk, LedgerLook, Look } from './ledger-look.ts';
import {
  beginning,
  encodePlace,
  type ChunkPlace,
  type Group,
  type Place,
  type Progress,
} from './place.ts';
import { pageBytesMax, type StreamReads } from './reading.ts';

export interface RowStreamOptions {
  readonly table: string;
  readonly health: Health;
  readonly ledger: LedgerLook;
  readonly reads: StreamReads;
  readonly clock: Clock;
  readonly tag: string;
  readonly from: Progress;
  /** Rows after which the stream ends. */
  readonly limit: number;
  /** Most rows of the snapshot, and of each chunk. */
  readonly sample: number;
}

const pageRowsMax = 250;
/** As for answers of other kinds: who takes longer holds memory that others wait for. */
const wideRowMs = 60_000;
const idleMs = 200;
/** Counts are for people, who do not read faster. */
const progressIntervalMs = 500;

const overStates: ReadonlySet<string> = new Set(['Complete', 'Failed', 'Lost']);

/** What a page may hold. */
type Bounds = Pick<PageQuery, 'limit' | 'wideRow'> & { readonly bytesMax: number };

/** Where rows are read next, and how a place among them is called. */
interface Section {
  readonly snapshot: string;
  readonly statement: (bounds: Bounds) => Statement;
  readonly placeAt: (position: readonly string[]) => Place;
}

type SnapshotPhase = Extract<Place, { phase: 'snapshot' }>;
type ChunkPhase = Extract<Place, { phase: 'chunks' }>;

export class RowStream {
  readonly #options: RowStreamOptions;
  readonly #sink: EventSink;
  #place: Place;
  #sent: number;
  /** When this process came to know the snapshot that the rows in hand are read for. */
  #knownAt: number;
  /** Rows of the snapshot or of the chunk in hand, where only some are wanted. */
  #sampled = 0;
  /** Postgres renders all rows that a page might hold, so of large ones fewer are asked for. */
  #pageRows = pageRowsMax;
  /** Chunks of the group that are known and not begun. */
  #waiting: readonly DoneChunk[] = [];
  #shown = '';
  #shownAt = -Infinity;

  constructor(options: RowStreamOptions, sink: EventSink) {
    this.#options = options;
    this.#sink = sink;
    this.#place = options.from.place;
    this.#sent = options.from.sent;
    this.#knownAt = options.clock.monotonic();
  }

  async run(): Promise<void> {
    const { clock, health } = this.#options;
    const { signal } = this.#sink;
    for (let failures = 0; !signal.aborted && this.#place.phase !== 'end';) {
      try {
        await this.#step();
        failures = 0;
      } catch (error) {
        if (!(error instanceof Failure) || error.family === 'Fault') throw error;
        failures += 1;
        // Only values of the place are cast: the table has another order now, or had it never.
        if (error instanceof DataError && error.sqlstate.startsWith('22')) this.#begin();
        await clock.sleep(backoffMs(failures, defaultBackoff), signal);
        // The table may have been altered, or made anew.
        if (error.family === 'Permanent') await health.probe();
      }
    }
  }

  async #step(): Promise<void> {
    const { health, ledger, limit } = this.#options;
    const look = await ledger.look();
    await this.#showProgress(look);
    const shape = health.shape();
    const place = this.#place;
    if (this.#sent >= limit) await this.#end('Limit', look);
    else if (this.#isOfAnotherServer(look)) this.#begin();
    else if (shape === undefined) await this.#rest();
    else if (place.phase === 'snapshot') await this.#sendSnapshot(place, { shape, look });
    else if (place.phase === 'chunks') await this.#sendChunks(place, shape, look);
  }

  #begin(): void {
    this.#place = beginning.place;
    this.#sampled = 0;
    this.#waiting = [];
  }

  /** Transactions are numbered upwards; after a restore from a backup, numbers mean something else. */
  #isOfAnotherServer({ snapshot }: Look): boolean {
    if (this.#place.phase === 'end') return false;
    const { base } = this.#place;
    return base !== undefined && upperEnd(base) > upperEnd(snapshot);
  }

  async #sendSnapshot(
    place: SnapshotPhase,
    { shape, look }: { shape: TableShape; look: Look },
  ): Promise<void> {
    const { base = look.snapshot, after } = place;
    if (after !== undefined && after.length !== shape.order.length) {
      this.#begin();
      return;
    }
    if (place.base === undefined) this.#knownAt = look.knownAt;
    const isOver = await this.#sendPage({
      snapshot: base,
      statement: (bounds) =>
        pageStatement(this.#options.table, shape, { ...bounds, filters: [], after }),
      placeAt: (position) => ({ phase: 'snapshot', base, after: position }),
    });
    if (!isOver) return;
    this.#place = { phase: 'chunks', base, group: undefined };
    this.#sampled = 0;
  }

  async #sendChunks(place: ChunkPhase, shape: TableShape, look: Look): Promise<void> {
    const { base, group } = place;
    if (group === undefined) {
      this.#place = { ...place, group: { to: look.snapshot, chunk: undefined } };
      this.#knownAt = look.knownAt;
      return;
    }
    const [chunk] = this.#waiting;
    if (chunk !== undefined) {
      await this.#sendChunk({ base, group }, { shape, look, chunk });
      return;
    }
    const found = await this.#options.ledger.chunks(base, group);
    // The last one that was finished is found again; one that is not finished goes on.
    const isFinished = group.chunk?.position === undefined;
    this.#waiting = found.filter((next) => !isFinished || !isSame(next, group.chunk));
    if (this.#waiting.length === 0) await this.#finishGroup(group.to, look);
  }

  /** All of a group is sent: the next one begins where it ended. */
  async #finishGroup(to: string, look: Look): Promise<void> {
    const { state } = look.import ?? {};
    this.#place = { phase: 'chunks', base: to, group: undefined };
    // Seen in the same snapshot: the import was over, and all its chunks are sent.
    if (state !== undefined && overStates.has(state) && to === look.snapshot) {
      await this.#end(state, look);
    } else if (to === look.snapshot) await this.#rest();
  }

  async #sendChunk(
    { base, group }: { base: string; group: Group },
    { shape, look, chunk }: { shape: TableShape; look: Look; chunk: DoneChunk },
  ): Promise<void> {
    const start = basePosition(look.import?.seq ?? 0) + BigInt(chunk.offset);
    const lastSent = isSame(chunk, group.chunk) ? group.chunk?.position : undefined;
    const range = {
      after: lastSent ?? String(start - 1n),
      before: String(start + BigInt(chunk.length)),
    };
    const placeAt = (position: string | undefined): Place => {
      const here: ChunkPlace = { at: chunk.at, chunk: chunk.chunk, position };
      return { phase: 'chunks', base, group: { to: group.to, chunk: here } };
    };
    const isOver = await this.#sendPage({
      snapshot: group.to,
      statement: (bounds) => chunkStatement(this.#options.table, shape, { ...bounds, ...range }),
      placeAt: ([position]) => placeAt(position),
    });
    if (!isOver) return;
    this.#place = placeAt(undefined);
    this.#waiting = this.#waiting.slice(1);
    this.#sampled = 0;
  }

  /** The next rows of the section; returns whether they were its last, as far as they are wanted. */
  async #sendPage(section: Section): Promise<boolean> {
    const { snapshot, statement } = section;
    const { reads, limit: rowsMax, sample } = this.#options;
    const wanted = Math.max(0, Math.min(sample - this.#sampled, rowsMax - this.#sent));
    const limit = Math.min(this.#pageRows, wanted);
    const bounds: Bounds = { limit, bytesMax: pageBytesMax, wideRow: 'Measured' };
    const asOf = { snapshot, knownAt: this.#knownAt };
    const rows = limit === 0 ? [] : await reads.page(statement(bounds), asOf);
    const isCut = rows.length < limit && (rows.at(-1)?.found ?? 0) > rows.length;
    this.#pageRows = Math.min(2 * (isCut ? rows.length : this.#pageRows), pageRowsMax);
    const [first] = rows;
    if (first?.body !== null) return await this.#sendRows(rows, section);

    const { bytes } = first;
    const { signal } = this.#sink;
    using _share = await reads.room.take(bytes, signal);
    if (signal.aborted) return false;
    const wide = await reads.page(statement({ ...bounds, limit: 1, bytesMax: bytes }), asOf);
    // Another row by now, and one that is larger still: it is measured anew.
    if (wide[0]?.body === null) return false;
    return await this.#sendRows(wide, section, wideRowMs);
  }

  async #sendRows(
    rows: readonly MeasuredRow[],
    { placeAt }: Section,
    withinMs?: number,
  ): Promise<boolean> {
    const events: ServerEvent[] = [];
    for (const { body, position } of rows) {
      this.#place = placeAt(position);
      this.#sent += 1;
      this.#sampled += 1;
      events.push({ id: this.#id(), data: body ?? '' });
    }
    await this.#sink.send(events, withinMs);
    if (this.#sink.signal.aborted) return false;
    const last = rows.at(-1);
    const isAll = last === undefined || last.found <= rows.length;
    return isAll || this.#sampled >= this.#options.sample;
  }

  async #showProgress({ import: it }: Look): Promise<void> {
    const { clock } = this.#options;
    const shown = JSON.stringify(it?.shown ?? { state: 'Waiting' });
    const now = clock.monotonic();
    if (shown === this.#shown || now - this.#shownAt < progressIntervalMs) return;
    this.#shown = shown;
    this.#shownAt = now;
    await this.#sink.send([{ event: 'progress', data: shown }]);
  }

  async #end(why: string, look: Look): Promise<void> {
    this.#shownAt = -Infinity;
    await this.#showProgress(look);
    this.#place = { phase: 'end' };
    const reason = look.import?.reason ?? null;
    const data = JSON.stringify({ why, reason, rows: this.#sent });
    await this.#sink.send([{ event: 'end', id: this.#id(), data }]);
  }

  async #rest(): Promise<void> {
    await this.#options.clock.sleep(idleMs, this.#sink.signal);
  }

  #id(): string {
    return encodePlace(this.#options.tag, { place: this.#place, sent: this.#sent });
  }
}

function isSame(chunk: DoneChunk, inHand: ChunkPlace | undefined): boolean {
  return inHand !== undefined && chunk.at === inHand.at && chunk.chunk === inHand.chunk;
}

function upperEnd(snapshot: string): bigint {
  return BigInt(snapshot.split(':')[1] ?? '0');
}
