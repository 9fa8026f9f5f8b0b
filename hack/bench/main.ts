/** `npm run bench -- <what>`: measures a kind, or the operator, against the bars set for it. */
type Bench = (args: readonly string[]) => Promise<number>;

/** Loaded when asked for: none of them pays for what another one imports. */
const benches: Readonly<Record<string, () => Promise<Bench>>> = {
  'csv-parser': async () => (await import('./csv-parser/main.ts')).benchOfCsvParser,
  'csv-import': async () => (await import('./csv-import/main.ts')).benchOfCsvImport,
  'csv-dialects': async () => (await import('../dialects/main.ts')).benchOfDialects,
  'csv-gateway': async () => (await import('./csv-gateway/main.ts')).benchOfCsvGateway,
  'increment-pipeline': async () =>
    (await import('./increment-pipeline/main.ts')).benchOfIncrementPipeline,
  cluster: async () => (await import('./cluster/main.ts')).benchOfCluster,
  operator: async () => (await import('./operator/main.ts')).benchOfOperator,
};

/** What people type most gets a short name. */
const shortNames: Readonly<Record<string, string>> = { increment: 'increment-pipeline' };

const usage = `Usage: npm run bench -- <what> [options]

What: ${Object.keys(benches).join(', ')}. \`npm run bench -- <what> --help\` tells its options.`;

const [what = '', ...args] = process.argv.slice(2);
const load = benches[shortNames[what] ?? what];
if (load !== undefined) {
  const bench = await load();
  process.exitCode = await bench(args);
} else {
  const isHelp = what === '--help' || what === '-h';
  (isHelp ? console.log : console.error)(usage);
  process.exitCode = isHelp ? 0 : 2;
}
