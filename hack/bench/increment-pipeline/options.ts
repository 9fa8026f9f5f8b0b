/** The command line of the benchmark. */
import { Command, CommanderError, InvalidArgumentError } from 'commander';

export const barNames = ['cpu', 'rate', 'batch', 'flush', 'staleness', 'memory'] as const;
export type BarName = (typeof barNames)[number];

export interface BenchOptions {
  readonly runs: number;
  readonly only: readonly BarName[];
  /** A tenth of the time: for finding out whether it works, not how fast. */
  readonly quick: boolean;
  readonly state: string;
  /** Where CPU profiles of our processes go. */
  readonly profile?: string;
}

const defaultState = '.millrace/bench/increment-pipeline';

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new InvalidArgumentError('It must be a whole number from 1.');
  }
  return value;
}

function names(text: string): BarName[] {
  return text.split(',').map((word) => {
    const name = barNames.find((candidate) => candidate === word);
    if (name !== undefined) return name;
    throw new InvalidArgumentError(`Choose from ${barNames.join(', ')}.`);
  });
}

const after = `
Runs gateways and workers as their pods run them, on a Postgres and a Redis of its own, with a load
from a process of its own. Every bar ends with the account: what was accepted against the sums.
Results go to standard output as Markdown, progress to standard error. README.md beside the code says
what is measured and holds the last results.

Examples:
  npm run --silent bench -- increment > results.md
  npm run bench -- increment --only cpu,flush --runs 3
  npm run bench -- increment --quick
`;

export type Parsed =
  | { readonly ok: true; readonly options: BenchOptions }
  | { readonly ok: false; readonly exitCode: number };

export function parseOptions(args: readonly string[]): Parsed {
  const command = new Command('npm run bench -- increment')
    .description('Measures an IncrementPipeline against the bars of its page.')
    .option('--runs <n>', 'repetitions, or pairs of baseline and ours', wholeNumber, 5)
    .option('--only <list>', `which: ${barNames.join(', ')}`, names, [...barNames])
    .option('--quick', 'a tenth of the time, one run; its figures say little', false)
    .option('--state <folder>', 'where servers and logs live; on a real disk', defaultState)
    .option('--profile <folder>', 'write CPU profiles of gateways and workers there')
    .addHelpText('after', after)
    .exitOverride();
  try {
    command.parse([...args], { from: 'user' });
    const options = command.opts<BenchOptions>();
    return { ok: true, options: options.quick ? { ...options, runs: 1 } : options };
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return { ok: false, exitCode: error.exitCode === 0 ? 0 : 2 };
  }
}
