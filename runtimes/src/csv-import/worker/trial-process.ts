/**
 * Starts a process for a trial and says how it ended.
 *
 * Death is evidence only when it can have come from within: a crash, an abort as of a full heap, an
 * exit without a word. Signals that others send (SIGKILL and SIGTERM above all) prove nothing, and
 * neither does the time limit: a frozen node looks the same. The process has as much heap as a worker
 * has, so that nothing dies there that would live here, and ends when its worker is gone.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { getHeapStatistics } from 'node:v8';
import { exitCode } from '@millrace/kit/exit-code';
import type { TrialTask, TrialWord } from './trial.ts';

export type TrialEnd =
  | TrialWord
  /** By itself and without a word. */
  | { readonly end: 'Died'; readonly cause: string }
  /** From outside, or for a reason that has nothing to do with records. */
  | { readonly end: 'Stopped'; readonly cause: string };

export type RunTrial = (task: TrialTask) => Promise<TrialEnd>;

export interface TrialCommand {
  /** The program and its arguments, as for this process. */
  readonly entry: readonly string[];
  readonly execArgv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly deadlineMs: number;
}

export function trialProcess(command: TrialCommand): RunTrial {
  return async (task) => {
    const heapMb = Math.ceil(getHeapStatistics().heap_size_limit / 1_048_576);
    const child = spawn(
      process.execPath,
      [...command.execArgv, `--max-old-space-size=${heapMb}`, ...command.entry],
      { env: command.env, stdio: ['ignore', 'inherit', 'inherit', 'pipe'] },
    );
    let isLate = false;
    const deadline = setTimeout(() => {
      isLate = true;
      child.kill('SIGKILL');
    }, command.deadlineMs);
    try {
      const [how, text] = await Promise.all([ended(child), exchange(child, task)]);
      return endOf({ ...how, text, isLate });
    } finally {
      clearTimeout(deadline);
    }
  };
}

interface HowEnded {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

async function ended(child: ChildProcess): Promise<HowEnded> {
  return await new Promise((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal }));
    // It could not be started at all.
    child.once('error', () => resolve({ code: exitCode.badConfiguration, signal: null }));
  });
}

/** Longer than any word: reasons are few and messages short. */
const wordBytesMax = 65_536;

async function exchange(child: ChildProcess, task: TrialTask): Promise<string> {
  const channel = child.stdio[3] as Duplex | undefined;
  let text = '';
  // A process that is dead already breaks the pipe; how it ended says enough.
  channel?.on('error', () => undefined);
  channel?.write(`${JSON.stringify(task)}\n`);
  channel?.on('data', (bytes: Buffer) => {
    if (text.length < wordBytesMax) text += bytes.toString();
  });
  await new Promise<void>((resolve) => {
    if (channel === undefined) resolve();
    channel?.once('close', () => resolve());
  });
  return text;
}

/** What a process sends itself by failing. */
const crashes: ReadonlySet<string> = new Set([
  'SIGABRT',
  'SIGBUS',
  'SIGFPE',
  'SIGILL',
  'SIGSEGV',
  'SIGTRAP',
]);
/** It did not come so far as to try anything, or was told to end. */
const harmlessCodes: ReadonlySet<number> = new Set([exitCode.badConfiguration, exitCode.drained]);

export function endOf(
  it: HowEnded & { readonly text: string; readonly isLate: boolean },
): TrialEnd {
  const word = wordIn(it.text);
  if (word !== undefined) return word;
  if (it.isLate) return { end: 'Stopped', cause: 'TimedOut' };
  if (it.signal !== null) {
    return { end: crashes.has(it.signal) ? 'Died' : 'Stopped', cause: it.signal };
  }
  const code = it.code ?? exitCode.fault;
  return { end: harmlessCodes.has(code) ? 'Stopped' : 'Died', cause: `Exit${code}` };
}

/** A line is whole or nothing: the process may die while it writes. */
function wordIn(text: string): TrialWord | undefined {
  return text.endsWith('\n') ? (JSON.parse(text) as TrialWord) : undefined;
}
