/** Runs the suite and says how it went; for `npm run test:cluster` and `npm test` alike. */
import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { canRunNode } from '../cluster/node.ts';
import { runVitest, type Counts } from '../test/run-vitest.ts';
import { figuresTable, recordedFigures } from './figures.ts';
import { figuresFile } from './folders.ts';

const config = fileURLToPath(new URL('vitest.config.ts', import.meta.url));

export async function clusterTests(filters: readonly string[] = []): Promise<Counts> {
  const reason = await canRunNode();
  if (reason !== undefined) {
    const isFailure = process.env['CI'] === 'true';
    console.error(
      `the tests on a whole cluster ${isFailure ? 'cannot run' : 'are skipped'}: ${reason}`,
    );
    return { passed: 0, failed: isFailure ? 1 : 0, skipped: isFailure ? 0 : 1 };
  }
  await rm(figuresFile, { force: true });
  const counts = await runVitest({ config, args: filters });
  const figures = await recordedFigures();
  if (figures.length > 0) console.log(figuresTable(figures));
  return counts;
}
