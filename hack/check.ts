/**
 * Every check that needs no server: format, lint, types, generated files, dead code. All of them run
 * to their end, so that one call shows all that is wrong; nothing is changed.
 *
 *   npm run check
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

export interface CheckResult {
  readonly name: string;
  readonly outcome: 'passed' | 'failed' | 'skipped';
  readonly seconds: number;
  readonly output: string;
}

interface Check {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  /** A file without which the check has nothing to look at. */
  readonly needs?: string;
}

const root = fileURLToPath(new URL('..', import.meta.url));
const bin = (name: string): string => join(root, 'node_modules', '.bin', name);
const generator = 'hack/gen/main.ts';

const checks: readonly Check[] = [
  {
    name: 'lint',
    command: [
      bin('oxlint'),
      '--type-aware',
      '--report-unused-disable-directives',
      '--deny-warnings',
    ],
  },
  { name: 'types', command: [bin('tsc'), '--noEmit'] },
  { name: 'dead code', command: [bin('knip'), '--no-progress'] },
  { name: 'generated', command: [process.execPath, generator, '--check'], needs: generator },
  { name: 'format', command: [bin('oxfmt'), '--check', '.'] },
];

/** As many at once as the smallest host has cores; each of the tools uses threads by itself. */
const parallelMax = 2;

async function runCheck({ name, command, needs }: Check): Promise<CheckResult> {
  if (needs !== undefined && !existsSync(join(root, needs))) {
    return { name, outcome: 'skipped', seconds: 0, output: `there is no ${needs} yet` };
  }
  const startedAt = performance.now();
  const [file, ...args] = command;
  const child = spawn(file, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const take = (chunk: string): void => {
    output += chunk;
  };
  child.stdout.setEncoding('utf8').on('data', take);
  child.stderr.setEncoding('utf8').on('data', take);
  const { promise, resolve } = Promise.withResolvers<boolean>();
  child.once('error', (error) => {
    take(`cannot run ${file}: ${error.message}`);
    resolve(false);
  });
  child.once('close', (code) => resolve(code === 0));
  const isPassed = await promise;
  const seconds = (performance.now() - startedAt) / 1000;
  return { name, outcome: isPassed ? 'passed' : 'failed', seconds, output: output.trim() };
}

function print({ name, outcome, seconds, output }: CheckResult): void {
  if (outcome === 'failed') console.log(`\n${output}\n`);
  const note = outcome === 'skipped' ? output : `${seconds.toFixed(1)} s`;
  console.log(`${name.padEnd(10)} ${outcome} (${note})`);
}

/** Prints each result as it comes, with the tool's own output where it failed. */
export async function runChecks(): Promise<readonly CheckResult[]> {
  const results: CheckResult[] = [];
  const waiting = [...checks];
  const work = async (): Promise<void> => {
    for (let check = waiting.shift(); check !== undefined; check = waiting.shift()) {
      const result = await runCheck(check);
      print(result);
      results.push(result);
    }
  };
  await Promise.all(Array.from({ length: parallelMax }, work));
  return results;
}

const usage = `Usage: npm run check

Runs, without changing anything: ${checks.map(({ name }) => name).join(', ')}.
Exits 1 if any of them fails.`;

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { help: { type: 'boolean', default: false } } });
  if (values.help) {
    console.log(usage);
    return;
  }
  const results = await runChecks();
  const failed = results.filter(({ outcome }) => outcome === 'failed');
  if (failed.length > 0) {
    console.log(`failed: ${failed.map(({ name }) => name).join(', ')}`);
    process.exitCode = 1;
  }
}

if (import.meta.main) await main();
