/** The commands that look at a cluster; `millrace` has them beside others, `kubectl millrace` alone. */
import { Command, CommanderError } from 'commander';
import { exitCode } from '@millrace/kit/exit-code';
import type { CliContext } from './context.ts';
import { planCommand } from './plan/command.ts';
import { statusCommand } from './status/command.ts';
import { whyCommand } from './why/command.ts';

export function clusterCommands(context: CliContext): readonly Command[] {
  return [planCommand(context), whyCommand(context), statusCommand(context)];
}

const help = `
Examples:
  kubectl millrace plan users.yaml            what would change, and why
  kubectl millrace why csvimport/users        what it waits for
  kubectl millrace status -A                  how all are doing

Standard output is for results alone; everything else goes to standard error.`;

export function kubectlProgram(context: CliContext): Command {
  const program = new Command('kubectl-millrace')
    .description('Plans, explains and shows resources of Millrace.')
    .usage('[command]')
    .helpCommand(true)
    .addHelpText('after', help);
  for (const command of clusterCommands(context)) program.addCommand(command);
  return program;
}

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
