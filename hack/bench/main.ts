/** `npm run bench -- <what>`: measures a kind, or the operator, against the bars set for it. */
import { benchOfCsvImport } from './csv-import/main.ts';
import { benchOfIncrementPipeline } from './increment-pipeline/main.ts';
import { benchOfOperator } from './operator/main.ts';

const benches: Readonly<Record<string, (args: readonly string[]) => Promise<number>>> = {
  'csv-import': benchOfCsvImport,
  'increment-pipeline': benchOfIncrementPipeline,
  operator: benchOfOperator,
};

/** What people type most gets a short name. */
const shortNames: Readonly<Record<string, string>> = { increment: 'increment-pipeline' };

const usage = `Usage: npm run bench -- <what> [options]

What: ${Object.keys(benches).join(', ')}. \`npm run bench -- <what> --help\` tells its options.`;

const [what = '', ...args] = process.argv.slice(2);
const bench = benches[shortNames[what] ?? what];
if (bench !== undefined) {
  process.exitCode = await bench(args);
} else {
  const isHelp = what === '--help' || what === '-h';
  (isHelp ? console.log : console.error)(usage);
  process.exitCode = isHelp ? 0 : 2;
}
