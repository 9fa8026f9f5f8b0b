/** The command line of the benchmark. */
import { Command, CommanderError, InvalidArgumentError } from 'commander';

export interface BenchOptions {
  readonly runs: number;
  readonly seconds: number;
  readonly rows: number;
  readonly state: string;
  /** Where the gateway's CPU profile goes. */
  readonly profile?: string;
}

export type Parsed =
  | { readonly ok: true; readonly options: BenchOptions }
  | { readonly ok: false; readonly exitCode: number };

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new InvalidArgumentError('It must be a whole number from 1.');
  }
  return value;
}

const after = `
Runs one gateway as its pod runs it, on a Postgres and a Redis of its own, and asks it at a constant
rate, whatever it does. A run whose generator was late itself is marked void.

Examples:
  npm run --silent bench -- csv-gateway > results.md
  npm run bench -- csv-gateway --runs 1 --seconds 3 --rows 100000
`;

export function parseOptions(args: readonly string[]): Parsed {
  const command = new Command('npm run bench -- csv-gateway')
    .description('Measures the gateway of a CsvImport against the bars of its page.')
    .option('--runs <n>', 'repetitions of each measurement', wholeNumber, 3)
    .option('--seconds <n>', 'how long each is', wholeNumber, 10)
    .option('--rows <n>', 'rows of the table', wholeNumber, 1_000_000)
    .option('--state <folder>', 'where servers and logs live', '.millrace/bench/csv-gateway')
    .option('--profile <folder>', 'write a CPU profile of the gateway there')
    .addHelpText('after', after)
    .exitOverride();
  try {
    command.parse([...args], { from: 'user' });
    return { ok: true, options: command.opts<BenchOptions>() };
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return { ok: false, exitCode: error.exitCode === 0 ? 0 : 2 };
  }
}
