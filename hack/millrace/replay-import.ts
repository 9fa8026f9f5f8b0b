/**
 * `millrace replay csvimport/… FILE`: loads rejects that were repaired.
 *
 * What is loaded, and that it is loaded once, is the work of `runtimes/src/csv-import/replay/`; here are
 * finding the import, its cache, and telling what became of the records. Values are never printed.
 */
import { readFile } from 'node:fs/promises';
import { styleText } from 'node:util';
import { exitCode } from '@millrace/kit/exit-code';
import { createSink } from '@millrace/runtimes/csv-import/load/sink';
import { parseRepaired } from '@millrace/runtimes/csv-import/replay/exchange';
import { replayRejects, type ReplayedRecord } from '@millrace/runtimes/csv-import/replay/replay';
import { openCache, type CacheFlags } from './cache-place.ts';
import { badUsage } from './ending.ts';
import {
  findImport,
  importName,
  parseRef,
  type ImportFlags,
  type ImportSource,
} from './import-source.ts';
import { ledgerConfig } from './ledger-import.ts';
import { atPlace, openPlace, postgresPlace } from './postgres-place.ts';
import { sealingPlace } from './sealing-place.ts';

export interface ReplayImportFlags extends ImportFlags, CacheFlags {
  readonly file: string;
  readonly dryRun?: true;
  readonly untouched?: true;
  readonly json?: true;
}

export async function replayImport(name: string, flags: ReplayImportFlags): Promise<number> {
  const source = await findImport(parseRef(name, flags.namespace), flags);
  const records = parseRepaired(await contentOf(flags.file));
  const log = (line: string): void => void process.stderr.write(`${line}\n`);
  const { savedUrl } = source;
  await using at = await postgresPlace({ flags, log, savedUrl });
  await using owner = openPlace(at, at.ownerUrl);
  await using cache = openCache(source, flags);
  return await atPlace(at, async () => {
    const config = await ledgerConfig(owner, source);
    const { table } = config.target;
    const keys = sealingPlace(flags, source);
    // Before anything is loaded: rows that are cached would stay what they were.
    await cache?.reach();
    const replayed = replayRejects({
      config,
      owner,
      sink: createSink({ config, keys }),
      keys,
      records,
      isDryRun: flags.dryRun === true,
      withUntouched: flags.untouched === true,
      ...(cache === undefined ? {} : { bumpCache: () => cache.bump(table) }),
    });
    return await tell(replayed, { source, table, flags });
  });
}

async function contentOf(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch {
    throw badUsage(`${file}: there is no such file, or it may not be read`);
  }
}

interface Telling {
  readonly source: ImportSource;
  readonly table: string;
  readonly flags: ReplayImportFlags;
}

/** A screen or two; the rest is only counted. */
const linesMax = 100;

async function tell(
  records: AsyncIterable<ReplayedRecord>,
  { source, table, flags }: Telling,
): Promise<number> {
  const print = (line: string): void => void process.stdout.write(`${line}\n`);
  const counts = { loaded: 0, stay: 0, done: 0, all: 0 };
  for await (const record of records) {
    const { outcome } = record;
    counts.all += 1;
    if (outcome === 'Loaded' || outcome === 'Superseded') counts.loaded += 1;
    else if (outcome === 'Done') counts.done += 1;
    else counts.stay += 1;
    if (flags.json === true) print(JSON.stringify(record));
    else if (counts.all <= linesMax) print(lineOf(record));
  }
  if (flags.json !== true) {
    if (counts.all > linesMax) print(`… and ${String(counts.all - linesMax)} more`);
    const verb = flags.dryRun === true ? 'would be' : 'were';
    const done = counts.done === 0 ? '' : `, ${String(counts.done)} had been replayed before`;
    print(
      `${styleText('bold', importName(source.ref))}: ${String(counts.loaded)} of ${String(counts.all)} records ${verb} loaded into ${table}; ${String(counts.stay)} stay${done}`,
    );
  }
  return counts.stay === 0 ? exitCode.finished : 1;
}

function lineOf({ offset, line, reason, outcome, why, column }: ReplayedRecord): string {
  const place = line === undefined ? `byte ${String(offset)}` : `line ${String(line)}`;
  const was = reason === undefined ? '' : ` (was ${reason})`;
  const cause =
    why === undefined ? '' : `: ${why}${column === undefined ? '' : ` in ${printable(column)}`}`;
  return `${place.padEnd(12)} ${outcome}${cause}${was}`;
}

/** Names may come from the file: control characters in them must not reach the terminal. */
function printable(name: string): string {
  return name.replace(/\p{C}/gu, '·');
}
