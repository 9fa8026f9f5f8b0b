/** `npm run bench -- <kind>`: measures a kind against the bars that its design page sets. */
import { benchOfCsvImport } from './csv-import/main.ts';

const benches: Readonly<Record<string, (args: readonly string[]) => Promise<number>>> = {
  'csv-import': benchOfCsvImport,
};

const usage = `Usage: npm run bench -- <kind> [options]

Kinds: ${Object.keys(benches).join(', ')}. \`npm run bench -- <kind> --help\` tells its options.`;

const [kind = '', ...args] = process.argv.slice(2);
const bench = benches[kind];
if (bench !== undefined) {
  process.exitCode = await bench(args);
} else {
  const isHelp = kind === '--help' || kind === '-h';
  (isHelp ? console.log : console.error)(usage);
  process.exitCode = isHelp ? 0 : 2;
}
