/**
 * What the flow of an import asks of the side that knows columns and tables.
 *
 * Coordinator and worker drive it and know neither types nor SQL of rows. Whatever a `loadChunk`
 * writes goes through the transaction it is given: it commits with the claim or not at all.
 */
import type { ChunkResult } from '../../chunks/claim.ts';
import type { RecordRange } from '../../chunks/poison.ts';
import type { Database, Session, Sql } from '../../connectors/postgres/database.ts';
import type { Dialect } from '../../csv/dialect.ts';

/** Resolved once and pinned in the ledger as JSON; only the sink looks inside. */
export interface ColumnPlan {
  /** Columns of the file that no listed column takes. */
  readonly ignored: readonly string[];
}

export interface ChunkInput {
  readonly import: string;
  readonly chunk: number;
  /** Where `bytes[0]` is in the file. */
  readonly offset: number;
  /** 1-based line of the file on which the chunk begins. */
  readonly firstLine: number;
  /** Only the beginning of one record that is longer than the limit. */
  readonly tooLong: boolean;
  readonly bytes: Buffer;
  /** Absent: all records. */
  readonly only?: RecordSelection;
}

/** Records by their number in the chunk, bad ones included. */
export interface RecordSelection extends RecordRange {
  /** Of those in the range, these are rejected without being looked at. */
  readonly poison: readonly number[];
}

export interface LoadContext {
  readonly dialect: Dialect;
  /** Header names as they stand in the file, or null; repeated in the file they are rejects. */
  readonly header: readonly string[] | null;
  readonly columns: ColumnPlan;
  readonly seq: number;
  /** The table was empty at the start and this import is its only writer. */
  readonly targetWasEmpty: boolean;
}

export interface Recount {
  /** Rows of the table whose position is this import’s. */
  readonly loaded: number;
  /** Rows of the rejects table that are this import’s. */
  readonly rejected: number;
}

export interface Sink {
  /** Throws Permanent MissingColumn and the like. */
  resolveColumns(header: readonly string[] | null, width: number): ColumnPlan;
  /** Creates or adopts target and rejects table and grants the working role what it needs. */
  prepareTarget(columns: ColumnPlan): Promise<{ readonly wasEmpty: boolean }>;
  /**
   * Where columns are sealed: throws a Transient that names the key while the ring cannot be used, or,
   * given the database, while it lacks one that values of the table are sealed under.
   */
  requireKeys?(db?: Sql): Promise<void>;
  loadChunk(tx: Session, input: ChunkInput, context: LoadContext): Promise<ChunkResult>;
  recount(db: Database, it: { readonly import: string; readonly seq: number }): Promise<Recount>;
  /** The first rejects of the import by place: reason and line, never a value. */
  firstRejects(db: Database, uid: string): Promise<readonly string[]>;
  /** Indexes for the gateway's filters; safe to repeat. */
  buildIndexes(columns: ColumnPlan): Promise<void>;
}
