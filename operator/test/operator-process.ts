/**
 * The operator as a process of its own, for tests on the real server: what `npm run operator` starts,
 * with the Lease timings of somebody in a hurry.
 *
 * Disposing kills it. Its environment is ours without any setting of Millrace, so that what a
 * developer has exported cannot change a test.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { parseLines } from './captured-log.ts';

export type LogLine = Readonly<Record<string, unknown>>;

export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface OperatorProcess extends AsyncDisposable {
  readonly pid: number;
  readonly ended: Promise<Ending>;
  /** Everything said so far, on standard output and standard error. */
  readonly lines: () => readonly LogLine[];
  readonly text: () => string;
  /** The first line with this message; waits for it. */
  readonly line: (message: string) => Promise<LogLine>;
  readonly kill: (signal: NodeJS.Signals) => void;
  /** The answer of the admin port. */
  readonly ask: (path: string) => Promise<{ readonly status: number; readonly body: string }>;
}

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
/** The least that a loaded host of two cores holds; a successor waits for `leaseDurationMs`. */
const hurry = {
  MILLRACE_LEADER_ELECTION_LEASE_DURATION_MS: '6000',
  MILLRACE_LEADER_ELECTION_RENEW_DEADLINE_MS: '4500',
  MILLRACE_LEADER_ELECTION_RETRY_PERIOD_MS: '500',
};
/** Far above what anything here takes; a test that waits longer has failed. */
const patienceMs = 25_000;

export function operatorProcess(
  args: readonly string[],
  variables: Readonly<Record<string, string>> = {},
): OperatorProcess {
  const child = spawn(process.execPath, [main, '--admin-port', '0', ...args], {
    env: { ...inherited(), ...hurry, ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  if (child.pid === undefined) throw new Error('the operator cannot be started');
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  const ended = endOf(child);
  const lines = (): readonly LogLine[] => parseLines(output);
  const line = (message: string): Promise<LogLine> =>
    until(
      () => lines().find(({ msg }) => msg === message),
      () => `"${message}" in:\n${output}`,
    );
  return {
    pid: child.pid,
    ended,
    lines,
    text: () => output,
    line,
    kill: (signal) => child.kill(signal),
    ask: async (path) => {
      const { port } = await line('admin port open');
      const response = await fetch(`http://127.0.0.1:${Number(port)}${path}`);
      return { status: response.status, body: await response.text() };
    },
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

function inherited(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('MILLRACE_'));
  return Object.fromEntries(kept);
}

async function endOf(child: ChildProcess): Promise<Ending> {
  return await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
}

/** Waits until there is a value. */
export async function until<T>(
  look: () => T | undefined | Promise<T | undefined>,
  what: () => string,
): Promise<T> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const value = await look();
    if (value !== undefined) return value;
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what()}`);
    await delay(50);
  }
}
