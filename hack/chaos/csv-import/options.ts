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
  readonly chunkBytes: string;
  readonly workers: number;
  readonly roundSeconds: number;
  readonly keep: boolean;
}

const after = `
Each round imports the same generated file into a new table while processes are killed with SIGKILL,
and compares table, rejects and totals with those of an undisturbed run. Ends with one line
"N passed, N failed"; the exit code is 0 when all passed. README.md beside the code says what a hit is.

Examples:
  npm run chaos -- csv-import
  npm run chaos -- csv-import --rounds 50 --seed 7
  npm run chaos -- csv-import --only rabbitmq --rounds 3
`;

export function parseOptions(args: readonly string[]): Parsed<ChaosOptions> {
  const command = new Command('npm run chaos -- csv-import')
    .description('Kills the processes of an import again and again and requires the same result.')
    .option('--rounds <n>', 'how many imports', wholeNumber, 10)
    .addOption(seedOption())
    .addOption(
      new Option('--only <targets>', `whom to kill: ${targets.join(', ')}`)
        .argParser(listOf(targets))
        .default(targets, 'all'),
    )
    .option('--kills <n>', 'least kills that hit work, a round', wholeNumber, 3)
    .option('--megabytes <n>', 'size of the file', wholeNumber, 24)
    .option('--chunk-bytes <quantity>', 'size of a chunk', '64Ki')
    .option('--workers <n>', 'worker pods', wholeNumber, 2)
    .option('--round-seconds <n>', 'after this a round has failed', wholeNumber, 300)
    .option('--keep', 'leave the work folder with logs and data behind', false)
    .addHelpText('after', after);
  return parseCommand(command, args);
}
