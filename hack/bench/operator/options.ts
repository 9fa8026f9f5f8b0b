/** The command line of the operator's benchmark. */
import { Command, CommanderError, InvalidArgumentError } from 'commander';

export const measurementNames = ['load', 'cold', 'idle', 'polls', 'transport', 'failover'] as const;
export type MeasurementName = (typeof measurementNames)[number];

export interface BenchOptions {
  /** CsvImports that exist while everything is measured; each has five children. */
  readonly imports: number;
  readonly runs: number;
  readonly changeSeconds: number;
  readonly idleSeconds: number;
  readonly only: readonly MeasurementName[];
  readonly state: string;
  readonly profile: boolean;
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new InvalidArgumentError('It must be a whole number from 1.');
  }
  return value;
}

function names(text: string): MeasurementName[] {
  return text.split(',').map((word) => {
    const name = measurementNames.find((candidate) => candidate === word);
    if (name !== undefined) return name;
    throw new InvalidArgumentError(`Choose from ${measurementNames.join(', ')}.`);
  });
}

const after = `
Runs the operator as a process against an etcd and an API server started for this run alone. Results
go to standard output as Markdown, progress to standard error. README.md beside the code says what is
measured and holds the last results.

Examples:
  npm run --silent bench -- operator > results.md
  npm run bench -- operator --only transport,failover
  npm run bench -- operator --imports 500 --runs 1 --change-seconds 10 --idle-seconds 10
`;

export type Parsed =
  | { readonly ok: true; readonly options: BenchOptions }
  | { readonly ok: false; readonly exitCode: number };

export function parseOptions(args: readonly string[]): Parsed {
  const command = new Command('npm run bench -- operator')
    .description('Measures the operator on a real API server.')
    .option('--imports <n>', 'CsvImports, each with five children', wholeNumber, 5_000)
    .option('--runs <n>', 'repetitions of cold start and failover', wholeNumber, 3)
    .option('--change-seconds <n>', 'how long specs change, ten a second', wholeNumber, 60)
    .option('--idle-seconds <n>', 'how long nothing happens', wholeNumber, 60)
    .option('--only <list>', `which: ${measurementNames.join(', ')}`, names, [...measurementNames])
    .option('--state <folder>', 'where the servers and logs live', '.millrace/bench/operator')
    .option('--profile', 'write a CPU profile of each operator to the state folder', false)
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
