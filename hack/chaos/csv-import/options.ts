/** The command line of the chaos run. */
import { Command, Option } from 'commander';
import { listOf, parseCommand, seedOption, wholeNumber, type Parsed } from '../command-line.ts';
import { targets, type TargetName } from './moments.ts';

export interface ChaosOptions {
  readonly rounds: number;
  readonly seed: number;
  readonly only: readonly TargetName[];
  readonly kills: number;
  readonly megabytes: number;
  readonly chunkBytes: number;
  readonly workers: number;
  readonly roundSeconds: number;
  readonly keep: boolean;
}

const after = `
Each round imports the same generated file into a new table while processes and servers are killed or
frozen, connections are reset or swallowed, and the disk under Postgres is full for a while, and
compares table, rejects and totals with those of an undisturbed run. Ends with one line
"N passed, N failed"; the exit code is 0 when all passed. README.md beside the code says what a hit is.

Examples:
  npm run chaos -- csv-import
  npm run chaos -- csv-import --rounds 50 --seed 7
  npm run chaos -- csv-import --only rabbitmq --rounds 3
  npm run chaos -- csv-import --only network,disk

disk needs a mount namespace: root, or a system that gives user namespaces to everybody.
`;

export function parseOptions(args: readonly string[]): Parsed<ChaosOptions> {
  const command = new Command('npm run chaos -- csv-import')
    .description('Strikes an import and its servers again and again and requires the same result.')
    .option('--rounds <n>', 'how many imports', wholeNumber, 10)
    .addOption(seedOption())
    .addOption(
      new Option('--only <targets>', `what to strike: ${targets.join(', ')}`)
        .argParser(listOf(targets))
        .default(targets, 'all'),
    )
    .option('--kills <n>', 'least strikes that hit work, a round', wholeNumber, 3)
    .option('--megabytes <n>', 'size of the file', wholeNumber, 24)
    .option('--chunk-bytes <n>', 'size of a chunk', wholeNumber, 65_536)
    .option('--workers <n>', 'worker pods', wholeNumber, 2)
    .option('--round-seconds <n>', 'after this a round has failed', wholeNumber, 400)
    .option('--keep', 'leave the work folder with logs and data behind', false)
    .addHelpText('after', after);
  return parseCommand(command, args);
}
