/** The command line of the benchmark. */
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { bars, type BarName } from './bars.ts';

export interface BenchOptions {
  /** Undefined takes each bar's own size. */
  readonly rows?: number;
  readonly runs: number;
  readonly workers: readonly number[];
  readonly only: readonly BarName[];
  /** Sizes of the two files by which memory is judged, in megabytes; empty leaves it out. */
  readonly memory: readonly number[];
  /** Numbers of workers by which scaling is judged; empty leaves it out. */
  readonly scale: readonly number[];
  /** Instead of the bars: one sealed column. */
  readonly sealed?: true;
  readonly state: string;
  /** Where CPU profiles of our processes go. */
  readonly profile?: string;
}

const names = bars.map((bar) => bar.name);
/** Far enough apart to show growth, small enough for a coffee; the page's own are 500,5000. */
const memoryMegabytes = [200, 2_000];
const scaleWorkers = [1, 2, 3, 4, 6, 8];

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new InvalidArgumentError('It must be a whole number from 1.');
  }
  return value;
}

function wholeNumbers(text: string): number[] {
  return text.split(',').map(wholeNumber);
}

function barNames(text: string): BarName[] {
  return text.split(',').map((word) => {
    const name = names.find((candidate) => candidate === word);
    if (name === undefined) throw new InvalidArgumentError(`Choose from ${names.join(', ')}.`);
    return name;
  });
}

const after = `
Every bar compares an import by a coordinator and workers, as pods run them, with psql on the same rows,
on a Postgres and a RabbitMQ of its own. Results go to standard output as Markdown, progress to
standard error. README.md beside the code says what is measured and holds the last results.

Examples:
  npm run --silent bench -- csv-import > results.md
  npm run bench -- csv-import --only fresh --runs 3 --workers 2
  npm run bench -- csv-import --only fresh --runs 1 --memory 500,5000
  npm run bench -- csv-import --only half --runs 3 --scale 1,2,4,8
  npm run bench -- csv-import --sealed --runs 3 --workers 1,2
`;

export type Parsed =
  | { readonly ok: true; readonly options: BenchOptions }
  | { readonly ok: false; readonly exitCode: number };

export function parseOptions(args: readonly string[]): Parsed {
  const command = new Command('npm run bench -- csv-import')
    .description('Measures imports against psql on the same machine.')
    .option('--rows <n>', 'rows of every file; by default each bar has its own', wholeNumber)
    .option('--runs <n>', 'pairs of baseline and import', wholeNumber, 5)
    .option('--workers <list>', 'numbers of workers to measure with', wholeNumbers, [1, 2])
    .option('--only <bars>', `which bars: ${names.join(', ')}`, barNames, [...names])
    .option('--memory [megabytes]', 'also compare the memory of workers at these file sizes')
    .option(
      '--scale [workers]',
      'instead of the bars: the first of them with each of these numbers of workers',
    )
    .option('--sealed', 'instead of the bars: the same rows with one column sealed')
    .option('--state <folder>', 'where servers and files live; on a real disk', '.millrace/bench')
    .option('--profile <folder>', 'write CPU profiles of coordinator and workers there')
    .addHelpText('after', after)
    .exitOverride();
  try {
    command.parse([...args], { from: 'user' });
    const { memory, scale, ...options } = command.opts<
      Omit<BenchOptions, 'memory' | 'scale'> & { memory?: true | string; scale?: true | string }
    >();
    const lists = {
      memory: numbersOf(memory, memoryMegabytes),
      scale: numbersOf(scale, scaleWorkers),
    };
    return { ok: true, options: { ...options, ...lists } };
  } catch (error) {
    if (error instanceof InvalidArgumentError) console.error(error.message);
    if (!(error instanceof CommanderError)) throw error;
    return { ok: false, exitCode: error.exitCode === 0 ? 0 : 2 };
  }
}

/** An option without a value means the usual ones. */
function numbersOf(given: true | string | undefined, usual: readonly number[]): readonly number[] {
  if (given === undefined) return [];
  return given === true ? usual : wholeNumbers(given);
}
