/**
 * `npm test`: every check, then every test with its coverage floor, on real servers.
 *
 * The last line is `N passed, N failed, N skipped` and nothing else, for people and for machines that
 * read only that. A failed check counts as one failed test; a missed coverage floor, a crash of the
 * runner or an error outside any test counts as one as well, so that the line never says less than
 * the exit code.
 *
 *   npm test [-- <file or folder>… [--no-checks] [--no-coverage]]
 */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { runChecks } from '../check.ts';

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** The part of vitest's JSON report that is read here. */
interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly {
    readonly status: string;
    readonly assertionResults: readonly unknown[];
  }[];
}

const root = fileURLToPath(new URL('../..', import.meta.url));

const emptyReport: Report = {
  numPassedTests: 0,
  numFailedTests: 0,
  numPendingTests: 0,
  numTodoTests: 0,
  testResults: [],
};

/** A file that cannot even be loaded fails without a test in it, and must count all the same. */
export function counts(report: Report, isClean: boolean): Counts {
  const unloaded = report.testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
  );
  const failed = report.numFailedTests + unloaded.length;
  return {
    passed: report.numPassedTests,
    failed: failed === 0 && !isClean ? 1 : failed,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

async function readReport(path: string): Promise<Report> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Report;
  } catch {
    // Without a report the runner crashed; `counts` makes that a failure.
    return emptyReport;
  }
}

/** Ctrl-C reaches vitest by itself; this process waits for it, so that its servers are ended. */
async function runVitest(args: readonly string[]): Promise<boolean> {
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const config = join('hack', 'test', 'vitest.config.ts');
  const child = spawn(process.execPath, [vitest, 'run', '--config', config, ...args], {
    cwd: root,
    stdio: 'inherit',
  });
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  const { promise, resolve } = Promise.withResolvers<boolean>();
  child.once('error', () => resolve(false));
  child.once('exit', (code) => resolve(code === 0));
  return promise;
}

interface TestRun {
  readonly filters: readonly string[];
  readonly isCovered: boolean;
}

async function runTests({ filters, isCovered }: TestRun): Promise<Counts> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-test-'));
  try {
    const reportPath = join(folder, 'report.json');
    const isClean = await runVitest([
      ...filters,
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${reportPath}`,
      ...(isCovered ? ['--coverage'] : []),
    ]);
    return counts(await readReport(reportPath), isClean);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const usage = `Usage: npm test [-- <file or folder>… [--no-checks] [--no-coverage]]

Runs the checks of "npm run check", then the tests with coverage. With files or folders, only
their tests run, without the coverage floor. Ends with "N passed, N failed, N skipped".`;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      'no-checks': { type: 'boolean', default: false },
      'no-coverage': { type: 'boolean', default: false },
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
  const tests = await runTests({ filters: positionals, isCovered });

  const failed = tests.failed + failedChecks;
  process.exitCode = failed === 0 ? 0 : 1;
  console.log(
    `${String(tests.passed)} passed, ${String(failed)} failed, ${String(tests.skipped)} skipped`,
  );
}

if (import.meta.main) await main();
