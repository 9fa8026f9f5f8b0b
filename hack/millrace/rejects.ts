/**
 * `millrace rejects`: the rejects of an import as a CSV that people repair and `millrace replay` takes.
 *
 * The only command that prints values: that is what it is for. They go to standard output alone.
 */
import { Command } from 'commander';
import { exitCode } from '@millrace/kit/exit-code';
import { exchangeLines } from '@millrace/runtimes/csv-import/replay/replay';
import { runToExitCode } from './ending.ts';
import { findImport, parseRef, withImportOptions, type ImportFlags } from './import-source.ts';
import { ledgerConfig } from './ledger-import.ts';
import { Output } from './output.ts';
import { atPlace, openPlace, postgresPlace } from './postgres-place.ts';
import { sealingPlace } from './sealing-place.ts';

const help = `
The file is CSV in UTF-8, whatever the source was written in. Its first four columns say which record it
is (leave the first as it is) and what was wrong: the line, the reason, the column. Correct the others in
any spreadsheet or editor; lines that are removed or left as they are stay rejects. Then replay it:

  npm run --silent millrace -- rejects csvimport/users > rejects.csv
  npm run --silent millrace -- replay csvimport/users rejects.csv

Rejects of an import with sealed columns are opened with the keys of --backends, MILLRACE_SEALING_KEYS or
the last play.

Exit codes: 0 written, 64 wrong usage, 65 no such import, 75 a backend is away (try again), 70 a bug.`;

export function rejectsCommand(): Command {
  const command = new Command('rejects')
    .description('prints the rejected records of an import, to be repaired and replayed')
    .argument('<import>', 'csvimport/<name>');
  return withImportOptions(command)
    .addHelpText('after', help)
    .action(async (name: string, flags: ImportFlags) =>
      runToExitCode(async () => run(name, flags)),
    );
}

async function run(name: string, flags: ImportFlags): Promise<number> {
  const source = await findImport(parseRef(name, flags.namespace), flags);
  const log = (line: string): void => void process.stderr.write(`${line}\n`);
  const { savedUrl } = source;
  await using at = await postgresPlace({ flags, log, savedUrl });
  await using db = openPlace(at);
  return await atPlace(at, async () => {
    const config = await ledgerConfig(db, source);
    const output = new Output(process.stdout);
    let records = -1;
    for await (const part of exchangeLines(db, { config, keys: sealingPlace(flags, source) })) {
      records += 1;
      output.line(part.toString('utf8', 0, part.length - 1));
      await output.drain();
    }
    await output.flush();
    log(`${records.toLocaleString('en')} rejected ${records === 1 ? 'record' : 'records'}`);
    return exitCode.finished;
  });
}
