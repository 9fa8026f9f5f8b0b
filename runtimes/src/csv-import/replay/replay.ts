/**
 * Loads rejects that were repaired into the import that rejected them.
 *
 * Each record is one transaction: the reject is taken out of its table, the record is loaded under its
 * old position, counts of its chunk are changed, and the replay is noted. So a reject is replayed at
 * most once, by however many this is called, and `read = loaded + superseded + rejected` holds at every
 * moment. The position decides as it would have at first: an older record does not overwrite a newer
 * one. What is refused again stays as it was. The row of the target is locked meanwhile: no import of
 * the table begins, and none may be at work.
 */
import type { CsvImportPodConfig } from '@millrace/crds/csv-import';
import { Permanent } from '@millrace/kit/permanent';
import { Transient } from '@millrace/kit/transient';
import type { ChunkResult } from '../../chunks/claim.ts';
import { readImport } from '../../chunks/imports.ts';
import type { Database, Session, Sql } from '../../connectors/postgres/database.ts';
import { sqlIdentifier } from '../../connectors/postgres/identifier.ts';
import type { Dialect } from '../../csv/dialect.ts';
import { encodeRecord } from '../../csv/encode.ts';
import { rejectPlace } from '../../sealing/associated-data.ts';
import type { KeyRingReader } from '../../sealing/key-ring.ts';
import { Opener } from '../../sealing/opener.ts';
import type { Mapping } from '../load/mapping.ts';
import { rejectsTable } from '../load/rejects.ts';
import { beginSealing, hasSealed } from '../load/sealing.ts';
import type { LoadContext, Sink } from '../load/sink-port.ts';
import { pinnedContext } from '../worker/chunk-work.ts';
import {
  exchangeDialect,
  exchangeHeader,
  exchangeRecord,
  fieldsOf,
  isUntouched,
  withoutPadding,
  type Repaired,
} from './exchange.ts';
import { lockReject, readRejects, type RejectRow } from './reject-rows.ts';

export interface ReplayOptions {
  readonly config: Pick<CsvImportPodConfig, 'import' | 'target'>;
  /** With the owner's rights: the working role may not take rejects away. */
  readonly owner: Database;
  readonly sink: Sink;
  readonly keys: KeyRingReader;
  readonly records: readonly Repaired[];
  /** Finds out what would happen, and writes nothing. */
  readonly isDryRun: boolean;
  /** Records that nobody has touched are tried again too. */
  readonly withUntouched: boolean;
  /** Makes cached rows stale, after each commit, and once for what was done before; absent without a cache. */
  readonly bumpCache?: () => Promise<void>;
}

export interface ReplayedRecord {
  readonly offset: number;
  readonly line?: number;
  /** Why it was rejected. */
  readonly reason?: string;
  /**
   * Superseded: loaded, and another record holds its key, or it took it from one. Untouched: nobody
   * has changed it. Done: it was replayed before. Unknown: the import has no such reject.
   */
  readonly outcome: 'Loaded' | 'Superseded' | 'Stays' | 'Untouched' | 'Done' | 'Unknown';
  /** Why it stays. */
  readonly why?: string;
  readonly column?: string;
}

/** Yields what became of the records, in the order of the source, each after its commit. */
export async function* replayRejects(options: ReplayOptions): AsyncGenerator<ReplayedRecord> {
  const { config, owner, keys, records } = options;
  const pinned = await pinnedImport(owner, config.import.uid);
  const opener = new Opener(keys);
  let isBumped = false;
  for (const record of records) {
    const replayed = await replayRecord({ ...options, ...pinned, opener }, record);
    // Whoever replayed it may have died before the cache was told.
    if (replayed.outcome === 'Done' && !options.isDryRun && !isBumped) {
      await options.bumpCache?.();
      isBumped = true;
    }
    yield replayed;
  }
}

interface Replaying extends ReplayOptions {
  /** Of the source. */
  readonly dialect: Dialect;
  /** For records of the repaired file. */
  readonly context: LoadContext;
  readonly mapping: Mapping;
  readonly opener: Opener;
}

async function pinnedImport(
  owner: Database,
  uid: string,
): Promise<Pick<Replaying, 'dialect' | 'context' | 'mapping'>> {
  const it = await readImport(owner, uid);
  if (it?.seq === undefined || it.dialect === undefined) {
    throw new Permanent('NotLoaded', 'The ledger holds no loaded import of this resource.');
  }
  const pinned = pinnedContext(it);
  return {
    dialect: pinned.dialect,
    mapping: pinned.columns as Mapping,
    context: replayContext(pinned),
  };
}

/** The same columns and positions, read from the repaired file; never the only writer of the table. */
export function replayContext(pinned: LoadContext): LoadContext {
  return { ...pinned, dialect: exchangeDialect, targetWasEmpty: false };
}

/** Thrown to have a transaction undone; what was found out goes with it. */
class Undone extends Error {
  readonly found: ReplayedRecord;

  constructor(found: ReplayedRecord) {
    super('undone');
    this.found = found;
  }
}

async function replayRecord(options: Replaying, record: Repaired): Promise<ReplayedRecord> {
  try {
    const replayed = await options.owner.transaction((tx) => replay(tx, options, record));
    const { outcome } = replayed;
    if (outcome === 'Loaded' || outcome === 'Superseded') await options.bumpCache?.();
    return replayed;
  } catch (error) {
    if (error instanceof Undone) return error.found;
    throw error;
  }
}

async function replay(
  tx: Session,
  options: Replaying,
  { offset, fields }: Repaired,
): Promise<ReplayedRecord> {
  const { config, dialect, mapping, isDryRun } = options;
  const { uid } = config.import;
  const { table } = config.target;
  await requireTurn(tx, { uid, table });
  const reject = await lockReject(tx, offset, { ...options, table, import: uid });
  if (reject === undefined) return { offset, outcome: await whyNot(tx, uid, offset) };
  const found = {
    offset,
    ...(reject.line === undefined ? {} : { line: reject.line }),
    reason: reject.reason,
  };
  if (isUntouched(fields, fieldsOf(reject.raw, dialect))) {
    if (reject.isTruncated) return { ...found, outcome: 'Stays', why: 'Truncated' };
    if (!options.withUntouched) return { ...found, outcome: 'Untouched' };
  }
  const bytes = encodeRecord(withoutPadding(fields, mapping.width), exchangeDialect);
  const result = await load(tx, options, { reject, bytes });
  const refused = await refusal(tx, options, { offset, result });
  if (refused !== undefined) throw new Undone({ ...found, outcome: 'Stays', ...refused });
  const outcome = result.superseded > 0 ? 'Superseded' : 'Loaded';
  if (isDryRun) throw new Undone({ ...found, outcome });
  await note(tx, options, { reject, bytes, result });
  return { ...found, outcome };
}

const turnSql = `
SELECT i.state, h.state AS holder_state, h.uid AS holder, h.namespace || '/' || h.name AS name
FROM millrace.targets t
JOIN millrace.imports i ON i.target = t.target_table AND i.uid = $1
LEFT JOIN millrace.imports h ON h.uid = t.holder
WHERE t.target_table = $2 FOR UPDATE OF t, i`;

interface Turn {
  readonly state: string;
  readonly holder: string | null;
  readonly holder_state: string | null;
  readonly name: string | null;
}

const overStates: ReadonlySet<string | null> = new Set([null, 'Complete', 'Failed', 'Lost']);

/** Nobody loads the table, and nobody begins to before this transaction has ended. */
async function requireTurn(
  tx: Sql,
  { uid, table }: { readonly uid: string; readonly table: string },
): Promise<void> {
  const { rows } = await tx.query<Turn>(turnSql, [uid, table]);
  const [turn] = rows;
  if (turn === undefined) throw new Permanent('NotLoaded', 'The ledger knows no such import.');
  if (turn.state === 'Lost') {
    throw new Permanent('TargetLost', `Another import has taken the table ${table} from this one.`);
  }
  if (!overStates.has(turn.state)) {
    throw new Transient('NotEnded', `The import is still ${turn.state}; replay when it has ended.`);
  }
  if (turn.holder !== null && turn.holder !== uid && !overStates.has(turn.holder_state)) {
    throw new Transient(
      'TargetInUse',
      `The import ${turn.name ?? ''} is loading the table ${table}.`,
    );
  }
}

async function whyNot(tx: Sql, uid: string, offset: number): Promise<'Done' | 'Unknown'> {
  const { rowCount } = await tx.query(
    'SELECT FROM millrace.replays WHERE import = $1 AND record_offset = $2',
    [uid, offset],
  );
  return rowCount === 0 ? 'Unknown' : 'Done';
}

interface Taken {
  readonly reject: RejectRow;
  readonly bytes: Buffer;
}

/** Takes the reject out first: what is refused again would be a second row of the same place. */
async function load(
  tx: Session,
  { config, sink, context }: Replaying,
  { reject, bytes }: Taken,
): Promise<ChunkResult> {
  const { offset, chunk, line = 0 } = reject;
  await tx.query(
    `DELETE FROM ${sqlIdentifier(rejectsTable(config.target.table))}
      WHERE import = $1 AND record_offset = $2`,
    [config.import.uid, offset],
  );
  const input = {
    import: config.import.uid,
    chunk,
    offset,
    firstLine: line,
    tooLong: false,
    bytes,
  };
  return await sink.loadChunk(tx, input, context);
}

async function refusal(
  tx: Sql,
  { config }: Replaying,
  { offset, result }: { readonly offset: number; readonly result: ChunkResult },
): Promise<Pick<ReplayedRecord, 'why' | 'column'> | undefined> {
  const { target } = config;
  if (target.onConflict === 'Fail' && result.superseded > 0) return { why: 'DuplicateKey' };
  if (result.rejected === 0) return result.read === 1 ? undefined : { why: 'Empty' };
  const { rows } = await tx.query<{ reason: string; name: string | null }>(
    `SELECT reason, column_name AS name FROM ${sqlIdentifier(rejectsTable(target.table))}
      WHERE import = $1 AND record_offset = $2`,
    [config.import.uid, offset],
  );
  const { reason = 'Refused', name = null } = rows[0] ?? {};
  return { why: reason, ...(name === null ? {} : { column: name }) };
}

const countSql = `
UPDATE millrace.chunks SET rejected = rejected - 1, superseded = superseded + $4,
  reasons = CASE WHEN (reasons ->> $3)::bigint > 1
    THEN jsonb_set(reasons, ARRAY[$3], to_jsonb((reasons ->> $3)::bigint - 1)) ELSE reasons - $3 END
WHERE import = $1 AND chunk = $2`;
const noteSql = `
INSERT INTO millrace.replays
  (import, record_offset, chunk, line, reason, superseded, record, record_sealed)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`;

async function note(
  tx: Sql,
  { config, mapping, keys }: Replaying,
  { reject, bytes, result }: Taken & { readonly result: ChunkResult },
): Promise<void> {
  const { uid } = config.import;
  const { offset, chunk, line, reason } = reject;
  const isSealed = hasSealed(mapping.columns);
  const record = isSealed
    ? beginSealing(keys).seal(bytes, rejectPlace(config.target.table, uid, offset))
    : bytes;
  const isSuperseded = result.superseded > 0;
  await tx.query(noteSql, [
    uid,
    offset,
    chunk,
    line ?? null,
    reason,
    isSuperseded,
    record,
    isSealed,
  ]);
  await tx.query(countSql, [uid, chunk, reason, result.superseded]);
}

/** The file that rejects are repaired in, its header first, a record at a time. */
export async function* exchangeLines(
  db: Database,
  { config, keys }: Pick<ReplayOptions, 'config' | 'keys'>,
): AsyncGenerator<Buffer> {
  const { uid } = config.import;
  const { dialect, mapping, context } = await pinnedImport(db, uid);
  yield exchangeHeader(context.header, mapping.width);
  const from = { table: config.target.table, import: uid, opener: new Opener(keys) };
  for await (const reject of readRejects(db, from)) yield exchangeRecord(reject, dialect);
}
