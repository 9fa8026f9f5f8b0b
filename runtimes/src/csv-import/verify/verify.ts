/**
 * Counts an import again from its source: reads every chunk as it was pinned, loads it into temporary
 * tables of one session, and compares these with the real ones by SQL.
 *
 * The temporary tables have the names of the real ones and hide them, so the sink’s own code fills
 * them; what is proved is that each record took effect exactly once, whatever happened to workers and
 * backends. Nothing real is written, and memory stays that of one chunk. Rows that other imports hold
 * by right (a later one under LatestWins, an earlier one under FirstWins) are no differences. What a
 * foreign key or a trigger of the table rejected or changed cannot be told apart from damage.
 */
import type { CsvImportPodConfig } from '@millrace/crds/csv-import';
import { Permanent } from '@millrace/kit/permanent';
import { Transient } from '@millrace/kit/transient';
import { readImport } from '../../chunks/imports.ts';
import { examine } from '../../chunks/poison.ts';
import { readTotals } from '../../chunks/totals.ts';
import { readTrials } from '../../chunks/trials.ts';
import type { Database, Session, Sql } from '../../connectors/postgres/database.ts';
import {
  pinnedContext,
  readChunk,
  type PinnedContext,
  type PinnedHeader,
} from '../worker/chunk-work.ts';
import type { KeyRingReader } from '../../sealing/key-ring.ts';
import type { Mapping } from '../load/mapping.ts';
import { keysOf, storedColumns } from '../load/sealing.ts';
import type { RecordSelection, Sink } from '../load/sink-port.ts';
import { isSequential } from '../source/sequential-identity.ts';
import type { Source } from '../source/source.ts';
import { readDoneChunks, sameCounts, type DoneChunk } from './chunks.ts';
import { beforeReplays, replayAgain } from './replays.ts';
import { verifyReport, type Counted, type VerifyReport } from './report.ts';
import { compareSealed } from './sealed.ts';
import { compareTables, shadowTables, type LoadedColumns } from './tables.ts';

export interface VerifyProgress {
  readonly phase: 'Reading' | 'Comparing';
  readonly doneBytes: number;
  readonly bytes: number;
  readonly records: number;
}

export interface VerifyOptions {
  readonly config: Pick<CsvImportPodConfig, 'columns' | 'import' | 'target'>;
  /** As the working role; it needs TEMPORARY on the database, which a load needs too. */
  readonly db: Database;
  readonly sink: Sink;
  /** Needed where a column is sealed, by the sink too. */
  readonly keys?: KeyRingReader;
  readonly source: Source;
  /** Told after each chunk. */
  readonly progressed?: (progress: VerifyProgress) => void;
  /** Looked at between chunks. */
  readonly signal?: AbortSignal;
}

/** A comparison joins two tables of the import’s size. */
const statementTimeoutMs = 3_600_000;

export async function verifyImport(options: VerifyOptions): Promise<VerifyReport> {
  const { db, config, source, progressed, keys } = options;
  const { uid } = config.import;
  const it = await readImport(db, uid);
  if (it?.seq === undefined || it.dialect === undefined) {
    throw new Permanent('NotLoaded', 'The ledger holds no loaded import of this resource.');
  }
  // Chunks that commit meanwhile would look like differences.
  if (it.state === 'Planning' || it.state === 'Loading' || it.state === 'Verifying') {
    throw new Transient(
      'NotEnded',
      `The import is still ${it.state}; verify it when it has ended.`,
    );
  }
  const context = pinnedContext(it);
  await source.check(context.pinned);
  const ledger = await readTotals(db, uid);
  const chunks = await beforeReplays(db, uid, await readDoneChunks(db, uid));
  return await db.session(
    async (session) => {
      const loaded = loadedColumns(context.columns as Mapping);
      const tables = await shadowTables(session, config.target.table, loaded);
      const read = await loadAgain(session, { context, chunks }, options);
      const { table } = config.target;
      const replay = { import: uid, table, tables, context, sink: options.sink, keys };
      const replayed = await replayAgain(session, replay);
      const counted = {
        ...read,
        rejected: read.rejected - replayed.count,
        replayed: replayed.count,
        replayedInVain: replayed.superseded,
      };
      const bytes = await source.lengthOf(context.pinned);
      progressed?.({ phase: 'Comparing', doneBytes: bytes, bytes, records: counted.read });
      const { key, onConflict } = config.target;
      const compared = await compareTables(session, {
        tables,
        uid,
        seq: context.seq,
        key,
        onConflict,
      });
      const found = tables.isSealed
        ? await compareSealed(
            session,
            { config, tables, uid, seq: context.seq, keys: keysOf(keys) },
            compared,
          )
        : compared;
      // On a pooled connection the shadows would hide the real tables from whoever comes next.
      await session.query('DISCARD TEMP');
      const { dataStart } = it.header as PinnedHeader;
      return await verifyReport({
        state: it.state,
        ledger,
        counted,
        found,
        chunks,
        isByValue: tables.hasPosition,
        columns: tables.isSealed ? loaded.names : tables.columns,
        dataStart,
        source,
        sourceBytes: bytes,
        pinned: context.pinned,
        dialect: context.dialect,
      });
    },
    { statementTimeoutMs },
  );
}

/** Blind indexes are loaded beside the columns that people know. */
function loadedColumns({
  columns,
}: Mapping): LoadedColumns & { readonly names: readonly string[] } {
  const stored = storedColumns(columns).map(({ name }) => name);
  const names = columns.map(({ name }) => name);
  const open = columns.filter(({ sealed }) => sealed !== true).map(({ name }) => name);
  return { names, loaded: stored, sealed: stored.filter((name) => !open.includes(name)) };
}

/** What killed workers is rejected here unseen, as it was then. */
async function withoutPoison(
  db: Sql,
  { import: uid, chunk, counts }: DoneChunk,
): Promise<{ readonly only?: RecordSelection }> {
  if (counts.reasons['KillsWorker'] === undefined) return {};
  const trials = await readTrials(db, { import: uid, chunk });
  const { poison } = examine(trials, counts.read);
  return { only: { from: 0, to: counts.read, poison } };
}

interface Plan {
  readonly context: PinnedContext;
  readonly chunks: readonly DoneChunk[];
}

async function loadAgain(
  session: Session,
  { context, chunks }: Plan,
  { sink, source, progressed, signal }: VerifyOptions,
): Promise<Omit<Counted, 'replayed' | 'replayedInVain'>> {
  const sum = { read: 0, rejected: 0 };
  const last = chunks.at(-1);
  const planned = last === undefined ? 0 : last.offset + last.length;
  const otherChunks: DoneChunk[] = [];
  for (const chunk of chunks) {
    signal?.throwIfAborted();
    const bytes = await readChunk(source, context.pinned, chunk);
    await session.query('BEGIN');
    const only = await withoutPoison(session, chunk);
    const result = await sink.loadChunk(session, { ...chunk, ...only, bytes }, context);
    await session.query('COMMIT');
    sum.read += result.read;
    sum.rejected += result.rejected;
    if (!sameCounts(chunk, result)) otherChunks.push(chunk);
    progressed?.({
      phase: 'Reading',
      doneBytes: chunk.offset + chunk.length,
      // How long a stream is shows when it has been read.
      bytes: isSequential(context.pinned) ? planned : context.pinned.size,
      records: sum.read,
    });
  }
  return { ...sum, otherChunks };
}
