/**
 * Runs vitest in a process of its own and counts what it reports. A crash of the runner, a missed
 * coverage floor or an error outside any test counts as one failure, so that the numbers never say
 * less than the exit code.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Counts {
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

export interface VitestRun {
  /** Path of the configuration. */
  readonly config: string;
  readonly args: readonly string[];
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

export function sumOf(...all: readonly Counts[]): Counts {
  return all.reduce(
    (sum, one) => ({
      passed: sum.passed + one.passed,
      failed: sum.failed + one.failed,
      skipped: sum.skipped + one.skipped,
    }),
    { passed: 0, failed: 0, skipped: 0 },
  );
}

export function countsLine({ passed, failed, skipped }: Counts): string {
  return `${String(passed)} passed, ${String(failed)} failed, ${String(skipped)} skipped`;
}

export async function runVitest({ config, args }: VitestRun): Promise<Counts> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-test-'));
  try {
    const reportPath = join(folder, 'report.json');
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${reportPath}`];
    const isClean = await spawnVitest(['--config', config, ...args, ...reporters]);
    return counts(await readReport(reportPath), isClean);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
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
async function spawnVitest(args: readonly string[]): Promise<boolean> {
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const child = spawn(process.execPath, [vitest, 'run', ...args], { cwd: root, stdio: 'inherit' });
  const interrupted = (): void => undefined;
  const terminated = (): void => void child.kill('SIGTERM');
  process.on('SIGINT', interrupted);
  process.on('SIGTERM', terminated);
  const { promise, resolve } = Promise.withResolvers<boolean>();
  child.once('error', () => resolve(false));
  child.once('exit', (code) => resolve(code === 0));
  return promise.finally(() => {
    process.off('SIGINT', interrupted);
    process.off('SIGTERM', terminated);
  });
}
