/**
 * Reading a command line: what every program of the operator does alike. Help that was asked for is
 * printed by commander and ends with `undefined`; a mistake is a Permanent `BadConfiguration`, so that
 * the program says it in its own way and with its own exit code.
 */
import { Permanent } from '@millrace/kit/permanent';
import { CommanderError, InvalidArgumentError, type Command } from 'commander';

/** What was said, or undefined when help was asked for and given. */
export function parsedCommand<T extends object>(
  command: Command,
  args: readonly string[],
): T | undefined {
  command
    .allowExcessArguments(false)
    .configureOutput({ writeErr: () => undefined })
    .exitOverride();
  try {
    return command.parse([...args], { from: 'user' }).opts<T>();
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return undefined;
    const message = `${error.message.replace(/^error: /, '')}; --help shows what there is`;
    throw new Permanent('BadConfiguration', message, { cause: error });
  }
}

/** For an option that may be repeated. */
export function collected(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

export function port(text: string): number {
  if (/^\d{1,5}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('A port is a number from 0 to 65535.');
}
