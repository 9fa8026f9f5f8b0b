/** The `millrace` command. Each subcommand is a file of its own; this one only lists them. */

import { processContext } from '@millrace/operator/cli/config';
import { clusterCommands, runProgram } from '@millrace/operator/cli/program';
import { Command } from 'commander';
import { databaseCommand } from './db.ts';
import { migrateCommand } from './migrate.ts';
import { previewCommand } from './preview.ts';
import { rejectsCommand } from './rejects.ts';
import { replayCommand } from './replay.ts';
import { resealCommand } from './reseal.ts';
import { verifyCommand } from './verify.ts';

const help = `
Examples:
  npm run --silent millrace -- plan users.yaml
  npm run --silent millrace -- why csvimport/users
  npm run --silent millrace -- status --all-namespaces
  npm run --silent millrace -- preview users.csv
  npm run --silent millrace -- verify csvimport/users
  npm run --silent millrace -- rejects csvimport/users > rejects.csv
  npm run --silent millrace -- replay csvimport/users repaired.csv
  npm run --silent millrace -- replay page-views --dry-run
  npm run --silent millrace -- reseal csvimport/users
  npm run --silent millrace -- migrate version
  npm run --silent millrace -- db create --help

Standard output is for results alone; everything else goes to standard error. Settings are read from
the options, then from the environment, then from .env: MILLRACE_POSTGRES_URL,
MILLRACE_POSTGRES_OWNER_URL.

Exit codes: 0 done, 1 done with a result that is not good, 64 wrong usage, 65 wrong input,
75 a backend is away (try again), 70 a bug.`;

const context = processContext();
const program = new Command('millrace')
  .description('Looks into clusters, files, imports and databases of Millrace.')
  .helpCommand(true)
  .addCommand(previewCommand())
  .addCommand(verifyCommand())
  .addCommand(rejectsCommand())
  .addCommand(replayCommand())
  .addCommand(resealCommand())
  .addCommand(migrateCommand())
  .addCommand(databaseCommand())
  .addHelpText('after', help);
for (const command of clusterCommands(context)) program.addCommand(command);

await runProgram(program, context);
