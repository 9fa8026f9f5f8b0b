/**
 * Processes by pid *and* start time, so that a pid that the kernel gave to somebody else is never
 * mistaken for ours. Everything that this folder ends, it ends by such an identity.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

export interface ProcessIdentity {
  readonly pid: number;
  readonly startedAt: string;
}

let bootId: string | undefined;

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}

/** Start times in /proc count from boot, so after a reboot they could repeat without the boot id. */
function startFromProc(pid: number): string | undefined {
  const stat = readText(`/proc/${String(pid)}/stat`);
  if (stat === undefined) return undefined;

  // The second field is the command name, which may hold spaces and parentheses itself.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state] = fields;
  if (state === 'Z' || state === 'X') return undefined;

  bootId ??= readText('/proc/sys/kernel/random/boot_id') ?? 'unknown';
  return `${bootId}:${fields[19] ?? ''}`;
}

function startFromPs(pid: number): string | undefined {
  try {
    const line = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
    return line === '' || line.startsWith('Z') ? undefined : line.replace(/^\S+\s+/, '');
  } catch {
    return undefined;
  }
}

/** The identity of a living process; a zombie counts as dead. */
export function identify(pid: number): ProcessIdentity | undefined {
  const startedAt = process.platform === 'linux' ? startFromProc(pid) : startFromPs(pid);
  return startedAt === undefined ? undefined : { pid, startedAt };
}

export function isAlive(identity: ProcessIdentity): boolean {
  return identify(identity.pid)?.startedAt === identity.startedAt;
}

export function ownIdentity(): ProcessIdentity {
  const identity = identify(process.pid);
  if (identity === undefined) throw new Error('cannot read the start time of this process');
  return identity;
}

/** Sends the signal if the process is still the one meant; says whether it was sent. */
export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!isAlive(identity)) return false;
  try {
    process.kill(identity.pid, signal);
    return true;
  } catch {
    return false;
  }
}

async function isGoneWithin(identity: ProcessIdentity, waitMs: number): Promise<boolean> {
  const deadline = Date.now() + waitMs;
  while (isAlive(identity)) {
    if (Date.now() > deadline) return false;
    await delay(20);
  }
  return true;
}

/** Asks with each signal in turn, then SIGKILL; returns when the process is gone. */
export async function endProcess(
  identity: ProcessIdentity,
  signals: readonly NodeJS.Signals[],
  patienceMs: number,
): Promise<void> {
  // A stopped process takes no signal but SIGKILL until it is continued.
  signalProcess(identity, 'SIGCONT');
  for (const signal of signals) {
    signalProcess(identity, signal);
    if (await isGoneWithin(identity, patienceMs)) return;
  }
  signalProcess(identity, 'SIGKILL');
  if (!(await isGoneWithin(identity, 10_000))) {
    throw new Error(`process ${String(identity.pid)} does not end, not even on SIGKILL`);
  }
}
