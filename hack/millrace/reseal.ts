/**
 * `millrace reseal`: seals the values of an import's table again under the active key.
 *
 * The work is that of `runtimes/src/csv-import/reseal/reseal.ts`; here are the command line, finding the
 * import and its keys, and telling what was done. Values and keys are never printed.
 */
import { Command } from 'commander';
import { systemClock } from '@millrace/kit/clock';
import { exitCode } from '@millrace/kit/exit-code';
import { hasSealed } from '@millrace/runtimes/csv-import/load/sealing';
import { resealTable, type ResealReport } from '@millrace/runtimes/csv-import/reseal/reseal';
import { openCache, withCacheOptions, type CacheFlags } from './cache-place.ts';
import { badUsage, runToExitCode } from './ending.ts';
import {
  findImport,
  importName,
  parseRef,
  withImportOptions,
  type ImportFlags,
  type ImportRef,
} from './import-source.ts';
import { atPlace, openPlace, postgresPlace } from './postgres-place.ts';
import { sealingPlace } from './sealing-place.ts';

interface Flags extends ImportFlags, CacheFlags {
  readonly json?: true;
}

const help = `
To rotate the key of sealed columns: add the new one to SEALING_KEYS as decrypt-only; when every pod has
it, make it active and the old one decrypt-only; then reseal. When nothing needs the old key any more
(exit code 0), it may be taken out. Loading and serving go on meanwhile, and a reseal that was stopped
goes on where it was. It runs as the owner of the tables (--owner-url). Rows that are cached become stale
in the end; with --leave-cache, take the old key out when spec.cache.ttl is over too.

Keys are taken from --backends, else MILLRACE_SEALING_KEYS, else what play gave to its pods. In a cluster
the same work is done by a pod of the import with the arguments \`csv-import reseal\`.

Examples:
  npm run --silent millrace -- reseal csvimport/users
  npm run --silent millrace -- reseal csvimport/users --manifest users.yaml \\
      --backends /etc/millrace/backends

Exit codes: 0 done, 1 another key is still in use (some worker seals with it: run it again), 64 wrong
usage, 65 no such import or a value that was changed, 75 a backend or a key is missing, 70 a bug.`;

export function resealCommand(): Command {
  const command = new Command('reseal')
    .description('seals the values of sealed columns again under the active key')
    .argument('<import>', 'csvimport/<name>')
    .option('--json', 'print one JSON object: active, rows, rejects, stillInUse');
  return withImportOptions(withCacheOptions(command))
    .addHelpText('after', help)
    .action(async (name: string, flags: Flags) => runToExitCode(async () => run(name, flags)));
}

async function run(name: string, flags: Flags): Promise<number> {
  const ref = parseRef(name, flags.namespace);
  const source = await findImport(ref, flags);
  const { config, savedUrl } = source;
  if (!hasSealed(config.columns)) throw badUsage(`${importName(ref)} has no sealed column`);
  const log = (line: string): void => void process.stderr.write(`${line}\n`);
  await using at = await postgresPlace({ flags, log, savedUrl });
  await using owner = openPlace(at, at.ownerUrl);
  await using cache = openCache(source, flags);
  const keys = sealingPlace(flags, source);
  const report = await atPlace(at, async () => {
    // Before anything is sealed again: rows that are cached would keep the old key in use.
    await cache?.reach();
    const done = await resealTable({ config, owner, keys, clock: systemClock });
    await cache?.bump(config.target.table);
    return done;
  });
  const line = flags.json === true ? JSON.stringify({ ...ref, ...report }) : page(ref, report);
  process.stdout.write(`${line}\n`);
  return report.stillInUse.length === 0 ? exitCode.finished : 1;
}

function page(ref: ImportRef, { active, rows, rejects, stillInUse }: ResealReport): string {
  const done = `${importName(ref)}: ${rows.toLocaleString('en')} rows and ${rejects.toLocaleString('en')} rejects sealed again under ${active}`;
  return stillInUse.length === 0
    ? `${done}; no other key is needed`
    : `${done}; still in use: ${stillInUse.join(', ')}`;
}
