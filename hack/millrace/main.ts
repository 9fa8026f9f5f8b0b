/** The `millrace` command. Each subcommand is a file of its own; this one only lists them. */

import { Command, CommanderError } from 'commander';
import { previewCommand } from './preview.ts';

const program = new Command('millrace')
  .description('Looks into files, imports and databases of Millrace.')
  .helpCommand(true)
  .addCommand(previewCommand());

// Commander ends with 1 for wrong usage; here that is 64, as everywhere else in Millrace.
for (const command of [program, ...program.commands]) command.exitOverride();

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? 0 : 64;
}
