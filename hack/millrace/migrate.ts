/**
 * `millrace migrate`: the SQL files of a runtime, applied, undone and made by hand. Coordinators apply
 * them at their start; these commands are for databases where that needs another role or another time.
 * Only `down` loses data, and it does nothing without --yes.
 */
import { readdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { systemClock } from '@millrace/kit/clock';
import { exitCode } from '@millrace/kit/exit-code';
import {
  createMigration,
  migrateDown,
  migrateForce,
  migrateUp,
  migrationVersion,
  type MigrationOptions,
  type MigrationSource,
} from '@millrace/runtimes/connectors/postgres/migrate';
import { ledgerMigrations } from '@millrace/runtimes/csv-import/migrations';
import { displayPath } from '../play/view/display-path.ts';
import { badUsage, exitCodesHelp, runToExitCode } from './ending.ts';
import {
  atPlace,
  postgresPlace,
  withPlaceOptions,
  type PlaceFlags,
  type PostgresPlace,
} from './postgres-place.ts';

/** By runtime; a runtime with a ledger of its own adds a line. */
export const migrationSources: Readonly<Record<string, MigrationSource>> = {
  'csv-import': ledgerMigrations,
};
const runtimes = Object.keys(migrationSources);

/** Another process migrates in seconds; a minute means that something is stuck. */
const deadlineMs = 60_000;

interface Flags extends PlaceFlags {
  readonly runtime: string;
  readonly json?: true;
  readonly yes?: true;
}

interface CreateFlags {
  readonly folder?: string;
}

const help = `
Migrations are files migrations/<runtime>/NNNN_what.sql with an up and a down section. They run as the
owner (--owner-url, MILLRACE_POSTGRES_OWNER_URL, POSTGRES_OWNER_URL of --backends, else the working
role); \`up\` also grants the working role what it needs on the ledger.

Examples:
  npm run --silent millrace -- migrate version
  npm run --silent millrace -- migrate up --postgres-url postgres://millrace_app:…@db/millrace \\
      --owner-url postgres://millrace_owner:…@db/millrace
  npm run --silent millrace -- migrate down --yes
  npm run --silent millrace -- migrate force 0002
  npm run --silent millrace -- migrate create csv-import "add a column"
${exitCodesHelp}`;

export function migrateCommand(): Command {
  return new Command('migrate')
    .description('applies, undoes and makes migrations of the ledger')
    .addCommand(
      acting('up', 'applies what is not applied yet').action(async (flags: Flags) =>
        act(flags, up),
      ),
    )
    .addCommand(
      acting('down', 'undoes the newest migrations; their tables and what is in them are lost')
        .argument('[count]', 'how many', '1')
        .option('--yes', 'really')
        .action(async (count: string, flags: Flags) =>
          act(flags, async (one) => down(one, { count, isSure: flags.yes === true })),
        ),
    )
    .addCommand(
      acting('version', 'prints which migrations are applied and which are not')
        .option('--json', 'print one JSON object')
        .action(async (flags: Flags) => act(flags, version)),
    )
    .addCommand(
      acting('force', 'records migrations as applied without running them, after a repair by hand')
        .argument('<version>', 'number or name of the newest that counts as applied')
        .action(async (name: string, flags: Flags) => act(flags, async (one) => force(one, name))),
    )
    .addCommand(
      new Command('create')
        .description('writes an empty migration with the next number and both sections')
        .argument('<runtime>', runtimes.join(', '))
        .argument('<what>', 'what it does, in a few words')
        .option('--folder <folder>', 'where to write it; else migrations/<runtime>')
        .addHelpText('after', '\nExample:\n  migrate create csv-import "add a column"')
        .action(async (runtime: string, what: string, flags: CreateFlags) =>
          runToExitCode(async () => create(runtime, what, flags)),
        ),
    )
    .addHelpText('after', help);
}

function acting(name: string, description: string): Command {
  const command = new Command(name)
    .description(description)
    .addOption(
      new Option('--runtime <runtime>', 'whose migrations').choices(runtimes).default(runtimes[0]),
    )
    .addHelpText('after', help);
  return withPlaceOptions(command);
}

interface Migrating {
  readonly flags: Flags;
  readonly at: PostgresPlace;
  readonly options: MigrationOptions;
}

async function act(flags: Flags, work: (one: Migrating) => Promise<void>): Promise<void> {
  await runToExitCode(async () => {
    await using at = await postgresPlace({
      flags,
      log: (line) => void process.stderr.write(`${line}\n`),
    });
    const options = {
      url: at.ownerUrl,
      caBundle: at.caBundle,
      source: sourceOf(flags.runtime),
      clock: systemClock,
      deadlineMs,
    };
    await atPlace(at, async () => work({ flags, at, options }));
    return exitCode.finished;
  });
}

function sourceOf(runtime: string): MigrationSource {
  const source = migrationSources[runtime];
  if (source === undefined)
    throw badUsage(`there is no runtime ${runtime}; choose one of: ${runtimes.join(', ')}`);
  return source;
}

async function up({ at, options, flags }: Migrating): Promise<void> {
  const applied = await migrateUp(options, { workingUrl: at.url });
  told('applied', applied, `${flags.runtime}: nothing to apply, ${at.label} is up to date`);
}

async function down(
  { at, options, flags }: Migrating,
  { count, isSure }: { readonly count: string; readonly isSure: boolean },
): Promise<void> {
  if (!/^[1-9]\d{0,3}$/.test(count))
    throw badUsage(`${count}: the number of migrations to undo must be 1 or more`);
  const applied = await migrationVersion(options);
  const undone = applied.slice(-Number(count)).toReversed();
  if (undone.length > 0 && !isSure)
    throw badUsage(
      `this would undo ${undone.join(', ')} in ${at.label}, and what its tables hold would be lost; say --yes to do it`,
    );
  if (undone.length > 0) await migrateDown(options, undone.length);
  told('undid', undone, `${flags.runtime}: nothing is applied in ${at.label}`);
}

function told(did: string, names: readonly string[], nothing: string): void {
  if (names.length === 0) process.stderr.write(`${nothing}\n`);
  for (const name of names) process.stdout.write(`${did} ${name}\n`);
}

interface Version {
  readonly applied: readonly string[];
  readonly pending: readonly string[];
}

async function versionOf(options: MigrationOptions): Promise<Version> {
  const applied = await migrationVersion(options);
  const files = (await readdir(options.source.dir)).filter((file) => file.endsWith('.sql'));
  const names = files.map((file) => file.slice(0, -'.sql'.length)).toSorted();
  return { applied, pending: names.filter((name) => !applied.includes(name)) };
}

async function version({ flags, options }: Migrating): Promise<void> {
  const found = await versionOf(options);
  const lines =
    flags.json === true
      ? [JSON.stringify({ runtime: flags.runtime, ...found })]
      : [
          ...found.applied.map((name) => `${name}  applied`),
          ...found.pending.map((name) => `${name}  pending`),
        ];
  process.stdout.write(lines.map((line) => `${line}\n`).join(''));
}

async function force({ at, options }: Migrating, wanted: string): Promise<void> {
  const { applied, pending } = await versionOf(options);
  const isWanted = (name: string): boolean =>
    name === wanted || (/^\d+$/.test(wanted) && Number.parseInt(name, 10) === Number(wanted));
  const found = pending.findIndex(isWanted);
  if (applied.some(isWanted))
    throw badUsage(
      `${wanted} is recorded as applied in ${at.label} already; to go back use: migrate down`,
    );
  if (found < 0)
    throw badUsage(
      `there is no migration ${wanted}; pending ${pending.length === 0 ? 'is none' : `are ${pending.join(', ')}`}`,
    );
  told('recorded', await migrateForce(options, found + 1), '');
}

async function create(runtime: string, what: string, flags: CreateFlags): Promise<number> {
  const { dir } = sourceOf(runtime);
  const path = await createMigration(flags.folder ?? dir, what);
  process.stdout.write(`${displayPath(resolve(path))}\n`);
  return exitCode.finished;
}
