/** Runs the suite and says how it went; for `npm run test:cluster` and `npm test` alike. */
import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { findPrograms, NoPrograms } from '../cluster/assets.ts';
import { canRunNode } from '../cluster/node.ts';
import { runVitest, sumOf, type Counts } from '../test/run-vitest.ts';
import { figuresTable, recordedFigures } from './figures.ts';
import { figuresFile } from './folders.ts';

const config = fileURLToPath(new URL('vitest.config.ts', import.meta.url));

/** In one line. A host without Go whose cache is empty has no programs to run, like one without a node. */
async function whyNot(): Promise<string | undefined> {
  const reason = await canRunNode();
  if (reason !== undefined) return reason;
  const log = (line: string): void => console.error(`cluster: ${line}`);
  try {
    await findPrograms('d', { env: process.env, log, signal: new AbortController().signal });
    return undefined;
  } catch (error) {
    if (error instanceof NoPrograms) return error.message;
    throw error;
  }
}

export async function clusterTests(filters: readonly string[] = []): Promise<Counts> {
  const reason = await whyNot();
  if (reason !== undefined) {
    const isFailure = process.env['CI'] === 'true';
    console.error(
      `the tests on a whole cluster ${isFailure ? 'cannot run' : 'are skipped'}: ${reason}`,
    );
    return { passed: 0, failed: isFailure ? 1 : 0, skipped: isFailure ? 0 : 1 };
  }
  await rm(figuresFile, { force: true });
  const counts = await runVitest({ config, args: filters });
  await printFigures();
  return counts;
}

/** The same files again and again, each time on a cluster of their own; figures are medians then. */
export async function measuredCluster(filters: readonly string[], rounds: number): Promise<Counts> {
  await rm(figuresFile, { force: true });
  const all: Counts[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    console.error(`round ${String(round)} of ${String(rounds)}`);
    all.push(await runVitest({ config, args: filters }));
  }
  await printFigures();
  return sumOf(...all);
}

async function printFigures(): Promise<void> {
  const figures = await recordedFigures();
  if (figures.length > 0) console.log(figuresTable(figures));
}
