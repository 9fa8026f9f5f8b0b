/**
 * `millrace verify`: whether an import's tables are what its source says, read from scratch.
 *
 * The recount is that of `runtimes/src/csv-import/verify/verify.ts`; here are the command line, finding the
 * import, and telling what was found. Nothing real is written.
 */
import { Command } from 'commander';
import { exitCode } from '@millrace/kit/exit-code';
import { Permanent } from '@millrace/kit/permanent';
import type { Database } from '@millrace/runtimes/connectors/postgres/database';
import type { Source } from '@millrace/runtimes/csv-import/source/source';
import { createSink } from '@millrace/runtimes/csv-import/load/sink';
import type { KeyRingReader } from '@millrace/runtimes/sealing/key-ring';
import { verifyImport } from '@millrace/runtimes/csv-import/verify/verify';
import type { VerifyReport } from '@millrace/runtimes/csv-import/verify/report';
import { parseVolume } from '../play/claims.ts';
import { runToExitCode } from './ending.ts';
import {
  findImport,
  importName,
  parseRef,
  withImportOptions,
  type ImportFlags,
  type ImportSource,
} from './import-source.ts';
import { ledgerConfig, notLoaded } from './ledger-import.ts';
import { atPlace, openPlace, postgresPlace } from './postgres-place.ts';
import { sealingPlace } from './sealing-place.ts';
import { sourcePlace } from './source-place.ts';
import { verifyPage } from './verify-page.ts';
import { ProgressBar } from './verify-progress.ts';

interface Flags extends ImportFlags {
  readonly json?: true;
  readonly volume?: readonly string[];
}

const help = `
Reads the source again exactly as it was cut, loads it into temporary tables, and compares these with
the real ones: every winning row by value, every reject, and the counts of each chunk in the ledger.
Differences are listed by line, byte and column; values are never printed.

Right after \`npm run play -- --once\` no option is needed: import, source and server are found in the
state folder, and a server that is down is started for the time of the command.

Examples:
  npm run --silent millrace -- verify csvimport/users
  npm run --silent millrace -- verify csvimport/users --json
  MILLRACE_S3_ENDPOINT=https://s3.example … npm run --silent millrace -- verify csvimport/people
  npm run --silent millrace -- verify csvimport/users --manifest users.yaml --volume data=./files \\
      --postgres-url postgres://millrace_app:…@db:5432/millrace

Exit codes: 0 equal, 1 there are differences, 64 wrong usage, 65 no such import,
75 a backend is away (try again), 70 a bug.`;

export function verifyCommand(): Command {
  const command = new Command('verify')
    .description('recounts an import from its source and compares it with the tables, by value')
    .argument('<import>', 'csvimport/<name>')
    .option('--json', 'print one JSON object: equal, differences, totals, compared')
    .option(
      '--volume <claim=folder>',
      'the folder that stands for a claim; may be repeated',
      (text: string, before?: readonly string[]) => [...(before ?? []), text],
    );
  return withImportOptions(command)
    .addHelpText('after', help)
    .action(async (name: string, flags: Flags) => runToExitCode(async () => run(name, flags)));
}

async function run(name: string, flags: Flags): Promise<number> {
  const startedMs = performance.now();
  const ref = parseRef(name, flags.namespace);
  const source = await findImport(ref, {
    ...flags,
    volumes: new Map((flags.volume ?? []).map(parseVolume)),
  });
  const log = (line: string): void => void process.stderr.write(`${line}\n`);
  await using at = await postgresPlace({ flags, log, savedUrl: source.savedUrl });
  await using db = openPlace(at);
  await using place = await sourcePlace({ it: source, flags, log });
  const { uid, report } = await atPlace(at, async () => {
    const config = await ledgerConfig(db, source);
    const keys = sealingPlace(flags, source);
    const found = await recount(db, { it: source, config, source: place.source, keys });
    return { uid: config.import.uid, report: found };
  });
  const seconds = (performance.now() - startedMs) / 1_000;
  const { table } = source.config.target;
  const line =
    flags.json === true
      ? JSON.stringify({ kind: 'CsvImport', ...ref, uid, ...report })
      : 'totals' in report
        ? verifyPage({ name: importName(ref), table, report, seconds })
        : `${importName(ref)}: ${report.differences.map(({ message }) => message).join('\n')}`;
  process.stdout.write(`${line}\n`);
  return report.equal ? exitCode.finished : 1;
}

/** A source or table that cannot be compared any more is a difference without numbers. */
type Report =
  | VerifyReport
  | (Pick<VerifyReport, 'equal'> & {
      readonly differences: readonly { readonly what: string; readonly message: string }[];
    });

const incomparable: ReadonlySet<string> = new Set([
  'SourceChanged',
  'SourceMissing',
  'SourceNotAFile',
  'SourceUnreadable',
  'TableMissing',
  'TargetMismatch',
]);

interface Recounted {
  readonly it: ImportSource;
  readonly config: ImportSource['config'];
  readonly source: Source;
  readonly keys: KeyRingReader;
}

async function recount(db: Database, { it, config, source, keys }: Recounted): Promise<Report> {
  const bar = new ProgressBar({ out: process.stderr, now: () => performance.now() });
  try {
    return await verifyImport({
      config,
      db,
      sink: createSink({ config, keys }),
      keys,
      source,
      progressed: (progress) => bar.show(progress),
    });
  } catch (error) {
    if (!(error instanceof Permanent)) throw error;
    if (error.code === 'NotLoaded') throw notLoaded(it);
    if (!incomparable.has(error.code)) throw error;
    return { equal: false, differences: [{ what: error.code, message: error.message }] };
  } finally {
    bar.close();
  }
}
