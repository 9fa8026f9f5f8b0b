/**
 * The `millrace` command. Each subcommand is a file of its own; this one only lists them.
 *
 * They share little, and reading the program text of all takes a second: a command that is named is
 * loaded alone, and only help, or a wrong name, needs them all.
 */
import { processContext } from '@millrace/operator/cli/config';
import { runProgram } from '@millrace/operator/cli/run-program';
import { Command } from 'commander';

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

/** In the order of the help. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  preview: async () => (await import('./preview.ts')).previewCommand(),
  verify: async () => (await import('./verify.ts')).verifyCommand(),
  rejects: async () => (await import('./rejects.ts')).rejectsCommand(),
  replay: async () => (await import('./replay.ts')).replayCommand(),
  reseal: async () => (await import('./reseal.ts')).resealCommand(),
  migrate: async () => (await import('./migrate.ts')).migrateCommand(),
  db: async () => (await import('./db.ts')).databaseCommand(),
  plan: async () => (await import('@millrace/operator/cli/plan/command')).planCommand(context),
  why: async () => (await import('@millrace/operator/cli/why/command')).whyCommand(context),
  status: async () =>
    (await import('@millrace/operator/cli/status/command')).statusCommand(context),
};

const program = new Command('millrace')
  .description('Looks into clusters, files, imports and databases of Millrace.')
  .helpCommand(true)
  .addHelpText('after', help);
const named = commands[process.argv[2] ?? ''];
const loads = named === undefined ? Object.values(commands) : [named];
for (const command of await Promise.all(loads.map(async (load) => load()))) {
  program.addCommand(command);
}

await runProgram(program, context);
