/** The command line of the chaos run of IncrementPipeline. */
import { Command, Option } from 'commander';
import { listOf, parseCommand, seedOption, wholeNumber, type Parsed } from '../command-line.ts';
import { targets, type TargetName } from './strikes.ts';

export interface ChaosOptions {
  readonly seconds: number;
  readonly increments: number;
  readonly seed: number;
  readonly only: readonly TargetName[];
  readonly hits: number;
  readonly gateways: number;
  readonly workers: number;
  readonly keep: boolean;
}

const after = `
Clients send increments while processes and servers are killed, paused and taken away. Then the load
ends, the streams run dry, and for every key accepted ≤ stored ≤ accepted + unanswered must hold, with
equality for clients that repeat requests under an Idempotency-Key. The exit code is 0 when it does,
staleness stayed below its bar, and enough strikes hit work. README.md beside the code says more.

Examples:
  npm run chaos -- increment-pipeline
  npm run chaos -- increment-pipeline --seconds 60 --increments 1000000 --seed 7
  npm run chaos -- increment-pipeline --only worker,postgres
`;

export function parseOptions(args: readonly string[]): Parsed<ChaosOptions> {
  const command = new Command('npm run chaos -- increment-pipeline')
    .description('Strikes a pipeline of increments under load and counts every increment.')
    .option('--seconds <n>', 'least time under load', wholeNumber, 300)
    .option('--increments <n>', 'least increments accepted', wholeNumber, 10_000_000)
    .addOption(seedOption())
    .addOption(
      new Option('--only <targets>', `whom to strike: ${targets.join(', ')}`)
        .argParser(listOf(targets))
        .default(targets, 'all'),
    )
    .option('--hits <n>', 'least strikes that hit work', wholeNumber, 5)
    .option('--gateways <n>', 'gateway pods', wholeNumber, 2)
    .option('--workers <n>', 'worker pods to begin with', wholeNumber, 3)
    .option('--keep', 'leave the work folder with logs and data behind', false)
    .addHelpText('after', after);
  return parseCommand(command, args);
}
