/** The `millrace` command. Each subcommand is a file of its own; this one only lists them. */

import { Command, CommanderError } from 'commander';
import { databaseCommand } from './db.ts';
import { migrateCommand } from './migrate.ts';
import { previewCommand } from './preview.ts';
import { verifyCommand } from './verify.ts';

const help = `
Examples:
  npm run --silent millrace -- preview users.csv
  npm run --silent millrace -- verify csvimport/users
  npm run --silent millrace -- migrate version
  npm run --silent millrace -- db create --help

Standard output is for results alone; everything else goes to standard error. Settings are read from
the options, then from the environment, then from .env: MILLRACE_POSTGRES_URL,
MILLRACE_POSTGRES_OWNER_URL.

Exit codes: 0 done, 1 done with a result that is not good, 64 wrong usage, 65 wrong input,
75 a backend is away (try again), 70 a bug.`;

const program = new Command('millrace')
  .description('Looks into files, imports and databases of Millrace.')
  .helpCommand(true)
  .addCommand(previewCommand())
  .addCommand(verifyCommand())
  .addCommand(migrateCommand())
  .addCommand(databaseCommand())
  .addHelpText('after', help);

// Commander ends with 1 for wrong usage; here that is 64, as everywhere else in Millrace.
function overrideExit(command: Command): void {
  command.exitOverride();
  for (const child of command.commands) overrideExit(child);
}
overrideExit(program);

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? 0 : 64;
}
