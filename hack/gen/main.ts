/**
 * Writes every file that is generated from the schemas: the CustomResourceDefinitions, the field
 * reference, and the charts' values, rules and definitions. With --check it writes nothing and fails if a committed file is not what it would
 * write, so that the files can be read in reviews and never drift.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { generatedFiles } from './generated-files.ts';

const usage = `npm run gen -- [--check]

Writes crds/<kind>.yaml and crds/README.md from the schemas in crds/src, and what the charts have
of them, of the rules in operator/deploy and of the values in operator/deploy/values.
  --check  writes nothing; exits 1 and names the files that are not up to date
`;

const root = join(import.meta.dirname, '..', '..');

async function main(): Promise<number> {
  const options = { check: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } as const;
  const { values } = parseArgs({ options });
  if (values.help === true) {
    console.log(usage);
    return 0;
  }
  const stale: string[] = [];
  for (const { path, text } of generatedFiles()) {
    const file = join(root, path);
    const isCurrent = (await readFile(file, 'utf8').catch(() => undefined)) === text;
    if (isCurrent) continue;
    stale.push(path);
    if (values.check === true) continue;
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }
  if (values.check !== true) {
    console.log(
      stale.length === 0 ? 'generated files: up to date' : `written: ${stale.join(', ')}`,
    );
    return 0;
  }
  if (stale.length === 0) return 0;
  console.error(`not up to date: ${stale.join(', ')}. Run: npm run gen`);
  return 1;
}

process.exitCode = await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  return 1;
});
