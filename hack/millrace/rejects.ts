/**
 * `millrace rejects`: the rejects of an import as a CSV that people repair and `millrace replay` takes.
 *
 * The only command that prints values: that is what it is for. They go to standard output alone.
 */
import { Command } from 'commander';
import { exitCode } from '@millrace/kit/exit-code';
import { exchangeLines } from '@millrace/runtimes/csv-import/replay/replay';
import { runToExitCode } from './ending.ts';
import { findImport, parseRef } from './import-source.ts';
import { ledgerUid } from './ledger-import.ts';
import {
  atPlace,
  openPlace,
  postgresPlace,
  withPlaceOptions,
  type PlaceFlags,
} from './postgres-place.ts';
import { sealingPlace } from './sealing-place.ts';

interface Flags extends PlaceFlags {
  readonly namespace: string;
  readonly manifest?: string;
}

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
    .argument('<import>', 'csvimport/<name>')
    .option('-n, --namespace <namespace>', 'namespace of the import', 'default')
    .option('--manifest <file>', 'take the import from this YAML instead of the state of play');
  return withPlaceOptions(command)
    .addHelpText('after', help)
    .action(async (name: string, flags: Flags) => runToExitCode(async () => run(name, flags)));
}

async function run(name: string, flags: Flags): Promise<number> {
  const source = await findImport(parseRef(name, flags.namespace), flags);
  const log = (line: string): void => void process.stderr.write(`${line}\n`);
  const { savedUrl } = source;
  await using at = await postgresPlace({ flags, log, ...(savedUrl ? { savedUrl } : {}) });
  await using db = openPlace(at);
  return await atPlace(at, async () => {
    const uid = await ledgerUid(db, source);
    const config = { ...source.config, import: { ...source.config.import, uid } };
    let records = -1;
    for await (const part of exchangeLines(db, { config, keys: sealingPlace(flags, source) })) {
      records += 1;
      if (process.stdout.write(part)) continue;
      await new Promise((resolve) => process.stdout.once('drain', resolve));
    }
    log(`${records.toLocaleString('en')} rejected ${records === 1 ? 'record' : 'records'}`);
    return exitCode.finished;
  });
}
