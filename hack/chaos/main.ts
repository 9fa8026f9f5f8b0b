/** `npm run chaos -- <kind>`: kills processes at work and requires the same result as without. */
import { chaosOfCsvImport } from './csv-import/main.ts';
import { chaosOfIncrementPipeline } from './increment-pipeline/main.ts';

const runs: Readonly<Record<string, (args: readonly string[]) => Promise<number>>> = {
  'csv-import': chaosOfCsvImport,
  'increment-pipeline': chaosOfIncrementPipeline,
};

const usage = `Usage: npm run chaos -- <kind> [options]

Kinds: ${Object.keys(runs).join(', ')}. \`npm run chaos -- <kind> --help\` tells its options.`;

const [kind = '', ...args] = process.argv.slice(2);
const run = runs[kind];
if (run !== undefined) {
  process.exitCode = await run(args);
} else {
  const isHelp = kind === '--help' || kind === '-h';
  (isHelp ? console.log : console.error)(usage);
  process.exitCode = isHelp ? 0 : 2;
}
