/**
 * `millrace replay`: adds the increments that a pipeline had to put aside, or loads the rejects of an
 * import that were repaired; for the latter see replay-import.ts.
 *
 * What is added, and that it is added once, is the work of ledger/replay.ts; here are the command line,
 * finding the pipeline, and telling what became of the letters. Keys and values are never printed.
 */
import { Command, Option } from 'commander';
import { exitCode } from '@millrace/kit/exit-code';
import type { Database } from '@millrace/runtimes/connectors/postgres/database';
import {
  knownPipelines,
  type KnownPipeline,
} from '@millrace/runtimes/increment-pipeline/ledger/pipelines';
import {
  replayDeadLetters,
  type ReplayedLetter,
} from '@millrace/runtimes/increment-pipeline/ledger/replay';
import { withCacheOptions, type CacheFlags } from './cache-place.ts';
import { badUsage, CommandFailure, runToExitCode } from './ending.ts';
import { isImport, withImportOptions, type ImportFlags } from './import-source.ts';
import { atPlace, openPlace, postgresPlace } from './postgres-place.ts';
import { replayImport } from './replay-import.ts';
import { ReplayPage } from './replay-page.ts';

interface Flags extends ImportFlags, CacheFlags {
  readonly dryRun?: true;
  readonly ids?: readonly bigint[];
  readonly json?: true;
  readonly untouched?: true;
}

const help = `
Rejects of an import are repaired in the file that \`millrace rejects\` writes, in any spreadsheet or
editor. Each repaired record is loaded once, under its old position, and its reject goes; what is refused
again stays, and so does what nobody has touched. The import must have ended. Rejects go by the owner of
the tables (--owner-url).

Dead letters are increments that were accepted and could not be added: a sum would have passed 2^63-1
(SumOverflow), the entry could not be read (Unparsable, UnknownVersion), or another request had the same
Idempotency-Key (RequestMismatch). They are rows of millrace.increment_dead_letters. Remove the reason,
then replay them: each is added once, in the transaction that marks it. What still cannot be added
stays. Neither Redis nor running workers are needed.

Examples:
  npm run --silent millrace -- replay csvimport/users repaired.csv
  npm run --silent millrace -- replay page-views --dry-run
  npm run --silent millrace -- replay incrementpipeline/page-views --ids 17,18
  npm run --silent millrace -- replay 0f0e0d0c-0b0a-4908-8706-050403020100 \\
      --postgres-url postgres://millrace_app:…@db:5432/millrace

Exit codes: 0 none stays, 1 some stay, 64 wrong usage, 65 no such resource or wrong file,
75 a backend is away (try again), 70 a bug.`;

export function replayCommand(): Command {
  const command = new Command('replay')
    .description('loads repaired rejects of an import, or dead letters of a pipeline')
    .argument('<resource>', 'csvimport/<name>, or name or uid of an IncrementPipeline')
    .argument('[file]', 'repaired rejects of the import')
    .option('--dry-run', 'tell what would happen, and change nothing')
    .addOption(new Option('--ids <ids>', 'only these letters, such as 17,18').argParser(parseIds))
    .option('--untouched', 'also try rejects again that nobody has changed')
    .option('--json', 'print one JSON object a letter or record');
  return withImportOptions(withCacheOptions(command))
    .addHelpText('after', help)
    .action(async (name: string, file: string | undefined, flags: Flags) =>
      runToExitCode(async () => {
        if (file !== undefined) return replayImport(name, { ...flags, file });
        if (isImport(name)) throw badUsage(`${name}: name the file with the repaired rejects too`);
        return run(name, flags);
      }),
    );
}

export function parseIds(text: string): readonly bigint[] {
  const ids = text.split(',').map((id) => id.trim());
  const wrong = ids.find((id) => !/^\d{1,18}$/.test(id));
  if (wrong !== undefined) throw badUsage(`--ids ${text}: give numbers with commas between them`);
  return ids.map(BigInt);
}

async function run(name: string, flags: Flags): Promise<number> {
  const log = (line: string): void => void process.stderr.write(`${line}\n`);
  await using at = await postgresPlace({ flags, log });
  await using db = openPlace(at);
  return await atPlace(at, async () => replay(db, { name, flags }));
}

async function replay(
  db: Database,
  { name, flags }: { readonly name: string; readonly flags: Flags },
): Promise<number> {
  const pipeline = choose(await knownPipelines(db), { name, namespace: flags.namespace });
  const isDryRun = flags.dryRun === true;
  const page = new ReplayPage({ pipeline, isDryRun });
  const print = (line: string): void => void process.stdout.write(`${line}\n`);
  const letters = replayDeadLetters(db, {
    pipeline: pipeline.uid,
    table: pipeline.table,
    isDryRun,
    ...(flags.ids === undefined ? {} : { ids: flags.ids }),
  });
  for await (const part of letters) {
    for (const letter of part) {
      const line = page.letter(letter);
      if (flags.json === true) print(json(letter));
      else if (line !== undefined) print(line);
    }
  }
  if (flags.json !== true) print(page.summary());
  return page.stay === 0 ? exitCode.finished : 1;
}

function json(letter: ReplayedLetter): string {
  return JSON.stringify({ ...letter, id: String(letter.id) });
}

interface Wanted {
  readonly name: string;
  readonly namespace: string;
}

/** A name that was used again after a deletion is that of several: their uids tell them apart. */
export function choose(
  known: readonly KnownPipeline[],
  { name: given, namespace }: Wanted,
): KnownPipeline {
  const name = given.replace(/^incrementpipelines?(\.millrace\.dev)?\//i, '');
  const found = known.filter(
    (pipeline) =>
      pipeline.uid === name.toLowerCase() ||
      (pipeline.name === name && pipeline.namespace === namespace),
  );
  const [first, ...more] = found;
  if (first === undefined) {
    const others = known.map((pipeline) => `${pipeline.namespace}/${pipeline.name}`).slice(0, 20);
    throw new CommandFailure(
      exitCode.badInput,
      `the ledger knows no pipeline ${namespace}/${name}; it has ${others.length === 0 ? 'none' : others.join(', ')}`,
    );
  }
  const waiting = found.filter((pipeline) => pipeline.waiting > 0);
  if (more.length > 0 && waiting.length > 1) {
    throw badUsage(
      `several pipelines were called ${name}; give one of the uids: ${waiting.map(({ uid }) => uid).join(', ')}`,
    );
  }
  return waiting[0] ?? first;
}
