/** `kubectl millrace`: the commands that look at a cluster. `millrace` has them beside others. */
import { Command } from 'commander';
import type { CliContext } from './context.ts';
import { planCommand } from './plan/command.ts';
import { statusCommand } from './status/command.ts';
import { whyCommand } from './why/command.ts';

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
  for (const command of [planCommand, whyCommand, statusCommand]) {
    program.addCommand(command(context));
  }
  return program;
}
