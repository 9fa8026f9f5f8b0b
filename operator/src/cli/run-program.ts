/** Runs a program of commands with the exit codes of Millrace. */
import { CommanderError, type Command } from 'commander';
import { exitCode } from '@millrace/kit/exit-code';
import type { CliContext } from './context.ts';

/** Commander ends with 1 for wrong usage; here that is 64, as everywhere else in Millrace. */
export async function runProgram(
  program: Command,
  { finish }: Pick<CliContext, 'finish'>,
  args?: readonly string[],
): Promise<void> {
  overrideExit(program);
  try {
    if (args === undefined) await program.parseAsync();
    else await program.parseAsync([...args], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    finish(error.exitCode === 0 ? exitCode.finished : exitCode.badConfiguration);
  }
}

function overrideExit(command: Command): void {
  command.exitOverride();
  for (const child of command.commands) overrideExit(child);
}
