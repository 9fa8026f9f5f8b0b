/**
 * Starts a process for a trial and says how it ended.
 *
 * Death is evidence only when it can have come from within: a crash, an abort as of a full heap, an
 * exit without a word, more memory than the container has, more time on the processor than any chunk
 * takes. Signals that others send (SIGKILL and SIGTERM above all) prove nothing, and neither does the
 * time limit alone: a frozen node looks the same. The process has as much heap as a worker has, so that
 * nothing dies of that there which would live here, and it ends when its worker is gone. A trial
 * without records gets only part of memory and processor time: when it passes, there was more to spare
 * than any fair record takes.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { exitCode } from '@millrace/kit/exit-code';
import { containerBytesMax, limitReached, processorMs, residentBytes } from './process-usage.ts';
import { taskLine, type ReceivedTask, type TrialTask, type TrialWord } from './trial.ts';

export type TrialEnd =
  | TrialWord
  /** By itself and without a word. */
  | { readonly end: 'Died'; readonly cause: string }
  /** From outside, or for a reason that has nothing to do with records. */
  | { readonly end: 'Stopped'; readonly cause: string };

/** The chunk's bytes are given where a trial could not read them soon. */
export type RunTrial = (task: TrialTask, content?: Buffer) => Promise<TrialEnd>;

export interface TrialCommand {
  /** The program and its arguments, as for this process. */
  readonly entry: readonly string[];
  readonly execArgv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** That of a worker. */
  readonly heapMb: number;
  /** What worker and trial may take together; the container's limit if left out. */
  readonly memoryBytesMax?: number;
  /** Time on the processor; more is an endless loop. */
  readonly processorMsMax: number;
  /** Much more than that, since others want the processor too. */
  readonly deadlineMs: number;
}

/** What a trial without records gets of the means of others. */
const sparingShare = 0.6;

export function trialProcess(command: TrialCommand): RunTrial {
  return async (task, content) => {
    const share = task.from === task.to ? sparingShare : 1;
    const heapMb = Math.floor(command.heapMb * share);
    const reachedBefore = await limitReached();
    const child = spawn(
      process.execPath,
      [...command.execArgv, `--max-old-space-size=${heapMb}`, ...command.entry],
      { env: command.env, stdio: ['ignore', 'inherit', 'inherit', 'pipe'] },
    );
    const over = new AbortController();
    const watched = watch(child, { ...command, share }, over.signal);
    try {
      const [how, text] = await Promise.all([ended(child), exchange(child, { task, content })]);
      over.abort();
      const reached = (await limitReached()) > reachedBefore ? 'OutOfMemory' : undefined;
      return endOf({ ...how, text, killedFor: (await watched) ?? reached });
    } finally {
      over.abort();
    }
  };
}

/** Why a process was killed; TimedOut alone is no evidence. */
export type KilledFor = 'OutOfMemory' | 'Spinning' | 'TimedOut';

/** Two looks apart, a process can grow by what a tenth of a usual container is. */
const lookEveryMs = 50;
const memoryShare = 0.9;

/** Kills the process when it takes too much memory or time. */
async function watch(
  child: ChildProcess,
  command: TrialCommand & { readonly share: number },
  over: AbortSignal,
): Promise<KilledFor | undefined> {
  const { pid } = child;
  if (pid === undefined) return undefined;
  const { share } = command;
  const bytesMax = command.memoryBytesMax ?? (await containerBytesMax()) ?? Infinity;
  const endMs = performance.now() + command.deadlineMs;
  const tooMuch = async (): Promise<KilledFor | undefined> => {
    const room = (bytesMax * memoryShare - process.memoryUsage.rss()) * share;
    if (((await residentBytes(pid)) ?? 0) > room) return 'OutOfMemory';
    const usedMs = (await processorMs(pid)) ?? 0;
    if (usedMs > command.processorMsMax * share) return 'Spinning';
    return performance.now() > endMs ? 'TimedOut' : undefined;
  };
  while (!over.aborted) {
    const why = await tooMuch();
    if (why !== undefined) {
      child.kill('SIGKILL');
      return why;
    }
    await delay(lookEveryMs, undefined, { signal: over }).catch(() => undefined);
  }
  return undefined;
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

async function exchange(child: ChildProcess, { task, content }: ReceivedTask): Promise<string> {
  const channel = child.stdio[3] as Duplex | undefined;
  let text = '';
  // A process that is dead already breaks the pipe; how it ended says enough.
  channel?.on('error', () => undefined);
  channel?.write(taskLine(task, content));
  if (content !== undefined) channel?.write(content);
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
  it: HowEnded & { readonly text: string; readonly killedFor: KilledFor | undefined },
): TrialEnd {
  const word = wordIn(it.text);
  if (word !== undefined) return word;
  if (it.signal === 'SIGKILL' && it.killedFor !== undefined) {
    return { end: it.killedFor === 'TimedOut' ? 'Stopped' : 'Died', cause: it.killedFor };
  }
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
