/**
 * Counts an import again from its source: reads every chunk as it was pinned, loads it into temporary
 * tables of one session, and compares these with the real ones by SQL.
 *
 * The temporary tables have the names of the real ones and hide them, so the sink’s own code fills
 * them; what is proved is that each record took effect exactly once, whatever happened to workers and
 * backends. Nothing real is written, and memory stays that of one chunk. Rows that other imports hold
 * by right (a later one under LatestWins, an earlier one under FirstWins) are no differences.
 */
import type { CsvImportPodConfig } from '@millrace/crds/csv-import';
import { Permanent } from '@millrace/kit/permanent';
import type { ChunkResult } from '../chunks/claim.ts';
import { readImport } from '../chunks/imports.ts';
import { readTotals, type LedgerTotals } from '../chunks/totals.ts';
import type { Database, Session } from '../connectors/postgres/database.ts';
import { checkFile } from '../connectors/volume/file.ts';
import { pinnedContext, readChunk, type PinnedContext } from './chunk-work.ts';
import type { Sink } from './sink-port.ts';
import { compareTables, shadowTables, type TableDifferences } from './verify-tables.ts';

export interface VerifyOptions {
  readonly config: Pick<CsvImportPodConfig, 'import' | 'source' | 'target'>;
  /** As the working role; it needs TEMPORARY on the database, which a load needs too. */
  readonly db: Database;
  readonly sink: Sink;
  /** Told after each chunk. */
  readonly progressed?: (doneChunks: number, chunks: number) => void;
}

export interface VerifyReport {
  readonly equal: boolean;
  /** One sentence a difference, without values of rows. */
  readonly differences: readonly string[];
  readonly totals: { read: number; loaded: number; superseded: number; rejected: number };
}

/** A comparison joins two tables of the import’s size. */
const statementTimeoutMs = 3_600_000;

export async function verifyImport(options: VerifyOptions): Promise<VerifyReport> {
  const { db, config } = options;
  const { uid } = config.import;
  const it = await readImport(db, uid);
  if (it?.seq === undefined || it.dialect === undefined) {
    throw new Permanent('NotLoaded', 'The ledger holds no loaded import of this resource.');
  }
  const context = pinnedContext(it);
  await checkFile(config.source.volume, context.source);
  const ledger = await readTotals(db, uid);
  return await db.session(
    async (session) => {
      const tables = await shadowTables(session, config.target.table);
      const counted = await loadAgain(session, context, options);
      const found = await compareTables(session, {
        tables,
        uid,
        seq: context.seq,
        key: config.target.key,
      });
      // On a pooled connection the shadows would hide the real tables from whoever comes next.
      await session.query('DISCARD TEMP');
      return report({ state: it.state, ledger, counted, found });
    },
    { statementTimeoutMs },
  );
}

interface Counted {
  read: number;
  rejected: number;
  comments: number;
  blank: number;
}

const chunksSql = `
SELECT chunk, "offset", length, first_line, too_long FROM millrace.chunks
WHERE import = $1 AND done_at IS NOT NULL ORDER BY chunk`;

interface ChunkRow {
  readonly chunk: number;
  readonly offset: string;
  readonly length: string;
  readonly first_line: string;
  readonly too_long: boolean;
}

async function loadAgain(
  session: Session,
  context: PinnedContext,
  { config, sink, progressed }: VerifyOptions,
): Promise<Counted> {
  const { uid } = config.import;
  const { rows } = await session.query<ChunkRow>(chunksSql, [uid]);
  const sum: Counted = { read: 0, rejected: 0, comments: 0, blank: 0 };
  for (const [index, row] of rows.entries()) {
    const chunk = {
      import: uid,
      chunk: row.chunk,
      offset: Number(row.offset),
      length: Number(row.length),
      firstLine: Number(row.first_line),
      tooLong: row.too_long,
    };
    const bytes = await readChunk(config.source.volume, context.source, chunk);
    await session.query('BEGIN');
    add(sum, await sink.loadChunk(session, { ...chunk, bytes }, context));
    await session.query('COMMIT');
    progressed?.(index + 1, rows.length);
  }
  return sum;
}

function add(sum: Counted, result: ChunkResult): void {
  sum.read += result.read;
  sum.rejected += result.rejected;
  sum.comments += result.comments;
  sum.blank += result.blank;
}

interface Findings {
  readonly state: string;
  readonly ledger: LedgerTotals;
  readonly counted: Counted;
  readonly found: TableDifferences;
}

function report({ state, ledger, counted, found }: Findings): VerifyReport {
  const loaded = ledger.read - ledger.superseded - ledger.rejected;
  const claims: readonly [what: string, isRight: boolean][] = [
    [`the import is ${state}, not Complete`, state === 'Complete'],
    [
      `the ledger says ${ledger.read} records read, the source has ${counted.read}`,
      ledger.read === counted.read,
    ],
    [
      `the ledger says ${ledger.rejected} rejected, the source has ${counted.rejected}`,
      ledger.rejected === counted.rejected,
    ],
    [
      `the ledger says ${loaded} rows loaded, the table has ${found.own} and ${found.replacedLater} were replaced later`,
      loaded === found.own + found.replacedLater,
    ],
    [`${found.missing} rows are missing from the table`, found.missing === 0],
    [`${found.extra} rows of the table come from no record`, found.extra === 0],
    [`${found.otherRecord} rows hold another record than the winner`, found.otherRecord === 0],
    [`${found.otherValues} rows hold other values than their record`, found.otherValues === 0],
    [`${found.rejectsMissing} rejects are missing`, found.rejectsMissing === 0],
    [`${found.rejectsExtra} rejects come from no record`, found.rejectsExtra === 0],
  ];
  const differences = claims.filter(([, isRight]) => !isRight).map(([what]) => what);
  const { read, superseded, rejected } = ledger;
  return {
    equal: differences.length === 0,
    differences,
    totals: { read, loaded, superseded, rejected },
  };
}
