/** `millrace db`: makes the database of a URL, and takes out of one what Millrace put there. */
import { Command } from 'commander';
import { exitCode } from '@millrace/kit/exit-code';
import { clearDatabase } from './db-clear.ts';
import { createDatabase } from './db-create.ts';
import { badUsage, exitCodesHelp, runToExitCode } from './ending.ts';
import { environment } from './environment.ts';
import { atPlace, postgresPlace, withPlaceOptions, type PlaceFlags } from './postgres-place.ts';

interface CreateFlags extends PlaceFlags {
  readonly adminUrl?: string;
  readonly roles?: true;
}

interface ClearFlags extends PlaceFlags {
  readonly yes?: true;
  readonly tables?: true;
  readonly force?: true;
}

const createHelp = `
Makes the database that the URL names, if it is not there. With --roles also the two roles: the owner,
who migrates and creates tables, and the working role, which may connect and gets grants table by table.
Their names and passwords are those of --owner-url and --postgres-url; a URL of nobody's gives
millrace_owner and millrace_app without a password, to be set with ALTER ROLE. Passwords reach the server
as SCRAM verifiers and are never printed. What is there is left as it is, passwords too.

It connects as --admin-url (or MILLRACE_POSTGRES_ADMIN_URL), else as the owner.

Examples:
  npm run --silent millrace -- db create --postgres-url postgres://me@localhost/millrace
  npm run --silent millrace -- db create --roles --admin-url postgres://postgres:…@db/postgres \\
      --owner-url postgres://millrace_owner:…@db/millrace \\
      --postgres-url postgres://millrace_app:…@db/millrace
${exitCodesHelp}`;

const clearHelp = `
Drops the ledger: the tables of the schema millrace, and the schema if nothing else is in it. With
--tables also the tables that imports loaded, and their tables of rejects, as far as Millrace created
them: a table that was adopted, or has got other columns since, is left alone and named. Nothing else is
touched. Imports that have not ended stop it, unless --force is given.

Examples:
  npm run --silent millrace -- db clear --yes
  npm run --silent millrace -- db clear --yes --tables --owner-url postgres://millrace_owner:…@db/millrace
${exitCodesHelp}`;

export function databaseCommand(): Command {
  const create = new Command('create')
    .description('makes the database of the URL, and the roles when asked')
    .option('--admin-url <url>', 'a role that may create databases and roles')
    .option('--roles', 'also make the owner and the working role')
    .action(async (flags: CreateFlags) => runToExitCode(async () => runCreate(flags)));
  const clear = new Command('clear')
    .description('drops what Millrace made in the database, and nothing else')
    .option('--yes', 'really')
    .option('--tables', 'also the loaded tables that Millrace created, and their rejects')
    .option('--force', 'even while imports have not ended')
    .action(async (flags: ClearFlags) => runToExitCode(async () => runClear(flags)));
  return new Command('db')
    .description('makes and clears databases')
    .addCommand(withPlaceOptions(create).addHelpText('after', createHelp))
    .addCommand(withPlaceOptions(clear).addHelpText('after', clearHelp))
    .addHelpText('after', `\nSee \`db create --help\` and \`db clear --help\` for examples.`);
}

const log = (line: string): void => void process.stderr.write(`${line}\n`);
const print = (line: string): void => void process.stdout.write(`${line}\n`);

async function runCreate(flags: CreateFlags): Promise<number> {
  await using at = await postgresPlace({ flags, log });
  const adminUrl = flags.adminUrl ?? environment()['MILLRACE_POSTGRES_ADMIN_URL'];
  await atPlace(at, async () => {
    await createDatabase({
      at,
      ...(adminUrl === undefined ? {} : { adminUrl }),
      withRoles: flags.roles === true,
      print,
    });
  });
  return exitCode.finished;
}

async function runClear(flags: ClearFlags): Promise<number> {
  await using at = await postgresPlace({ flags, log });
  if (flags.yes !== true) {
    const what = flags.tables === true ? 'the ledger and the loaded tables' : 'the ledger';
    throw badUsage(`this would drop ${what} in ${at.label}; say --yes to do it`);
  }
  await atPlace(at, async () => {
    const { tables = false, force = false } = flags;
    await clearDatabase(at, { withTables: tables, force, print });
  });
  return exitCode.finished;
}
