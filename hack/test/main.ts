/**
 * `npm test`: every check, then every test with its coverage floor, on real servers.
 *
 * The last line is `N passed, N failed, N skipped` and nothing else, for people and for machines that
 * read only that. A failed check counts as one failed test; a missed coverage floor, a crash of the
 * runner or an error outside any test counts as one as well, so that the line never says less than
 * the exit code.
 *
 * Where a node can run, the product is also taken through a cluster of its own, as by
 * `npm run test:cluster`.
 *
 *   npm test [-- <file or folder>… [--no-checks] [--no-coverage] [--no-cluster]]
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { runChecks } from '../check.ts';
import { clusterTests } from '../e2e/cluster-tests.ts';
import { countsLine, runVitest, sumOf } from './run-vitest.ts';

const config = fileURLToPath(new URL('vitest.config.ts', import.meta.url));

const usage = `Usage: npm test [-- <file or folder>… [--no-checks] [--no-coverage] [--no-cluster]]

Runs the checks of "npm run check", then the tests with coverage, then a course through a whole
cluster. With files or folders, only their tests run, without the coverage floor and the cluster.
Ends with "N passed, N failed, N skipped".`;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      'no-checks': { type: 'boolean', default: false },
      'no-coverage': { type: 'boolean', default: false },
      'no-cluster': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    return;
  }
  const checks = values['no-checks'] ? [] : await runChecks();
  const failedChecks = checks.filter(({ outcome }) => outcome === 'failed').length;
  // A part of the tests cannot reach a floor that is set for all of them.
  const isCovered = !values['no-coverage'] && positionals.length === 0;
  const args = [...positionals, ...(isCovered ? ['--coverage'] : [])];
  const isWhole = !values['no-cluster'] && positionals.length === 0;
  const total = sumOf(
    { passed: 0, failed: failedChecks, skipped: 0 },
    await runVitest({ config, args }),
    ...(isWhole ? [await clusterTests()] : []),
  );
  process.exitCode = total.failed === 0 ? 0 : 1;
  console.log(countsLine(total));
}

if (import.meta.main) await main();
