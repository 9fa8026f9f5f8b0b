/** What the command lines of all chaos runs share. */
import { CommanderError, InvalidArgumentError, Option, type Command } from 'commander';

export type Parsed<Options> =
  | { readonly ok: true; readonly options: Options }
  | { readonly ok: false; readonly exitCode: number };

export function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new InvalidArgumentError('It must be a whole number from 1.');
  }
  return value;
}

/** Some of `names`, with commas between them. */
export function listOf<Name extends string>(names: readonly Name[]): (text: string) => Name[] {
  return (text) =>
    text.split(',').map((word) => {
      const known = names.find((name) => name === word);
      if (known === undefined) throw new InvalidArgumentError(`Choose from ${names.join(', ')}.`);
      return known;
    });
}

export function seedOption(): Option {
  return new Option('--seed <n>', 'what is drawn; printed at the start')
    .argParser(wholeNumber)
    .default(1 + (Date.now() % 999_999), 'another each time');
}

/** The options are of the type that the command was built for. */
export function parseCommand<Options extends object>(
  command: Command,
  args: readonly string[],
): Parsed<Options> {
  try {
    command.exitOverride().parse([...args], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return { ok: false, exitCode: error.exitCode === 0 ? 0 : 2 };
  }
  return { ok: true, options: command.opts<Options>() };
}
