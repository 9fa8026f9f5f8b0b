/**
 * One container as a child process: started in a group of its own, so that Ctrl-C on a terminal
 * reaches it only through us, and bound to our life by a pipe (see parent-death.ts).
 *
 * Its output goes straight to a file and not through us: a child whose reader died would fail on its
 * next log line. The file is kept to a bounded size by cutting it in place.
 */
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdir, open, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { identify, type ProcessIdentity } from '../../backends/process-identity.ts';
import type { LocalCommand } from './local-container.ts';

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface StartOptions {
  /** Words before the container's own: the program all containers share. */
  readonly program: readonly string[];
  readonly command: LocalCommand;
  readonly cwd: string;
  readonly logFile: string;
  /** Names the process while it lives, for the next run to find it. */
  readonly recordFile: string;
}

export interface RunningProcess {
  readonly pid: number;
  readonly exited: Promise<Exit>;
  kill(signal: NodeJS.Signals): void;
}

const parentDeath = fileURLToPath(new URL('parent-death.ts', import.meta.url));

export async function startProcess(options: StartOptions): Promise<RunningProcess> {
  await mkdir(dirname(options.logFile), { recursive: true });
  const log = openSync(options.logFile, 'a');
  const child = spawn(
    process.execPath,
    ['--import', parentDeath, ...options.program, ...options.command.args],
    {
      cwd: options.cwd,
      env: options.command.env,
      detached: true,
      stdio: ['ignore', log, log, 'pipe'],
    },
  );
  closeSync(log);
  const exited = new Promise<Exit>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
    child.once('error', () => resolve({ code: 127, signal: null }));
  });
  const identity = child.pid === undefined ? undefined : identify(child.pid);
  if (identity !== undefined) await writeFile(options.recordFile, JSON.stringify(identity));
  return {
    pid: child.pid ?? 0,
    exited: exited.then(async (exit) => {
      await rm(options.recordFile, { force: true });
      return exit;
    }),
    kill: (signal) => {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    },
  };
}

export async function readRecord(file: string): Promise<ProcessIdentity | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as ProcessIdentity;
  } catch {
    return undefined;
  }
}

/** A kubelet reads at most this much of a termination log, from its end. */
const terminationBytesMax = 4_096;

export async function readTerminationLog(file: string): Promise<string> {
  try {
    await using handle = await open(file, 'r');
    const { size } = await handle.stat();
    const length = Math.min(size, terminationBytesMax);
    const buffer = Buffer.alloc(length);
    await handle.read(buffer, 0, length, size - length);
    return buffer.toString('utf8');
  } catch {
    return '';
  }
}

/** Cuts a log to its last half once it is over the limit; the writer appends and does not notice. */
export async function boundLog(file: string, bytesMax: number): Promise<void> {
  const size = await stat(file).then(
    (stats) => stats.size,
    () => 0,
  );
  if (size <= bytesMax) return;
  const kept = Buffer.alloc(Math.floor(bytesMax / 2));
  await using handle = await open(file, 'r');
  await handle.read(kept, 0, kept.length, size - kept.length);
  const start = kept.indexOf(10) + 1;
  await writeFile(
    join(dirname(file), `${file.slice(dirname(file).length + 1)}.1`),
    kept.subarray(start),
  );
  await truncate(file, 0);
}
