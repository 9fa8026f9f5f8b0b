/**
 * Finds processes of pods by what play records of them, and which process holds a connection. Pids
 * are used together with their start time, so that nobody else's process is ever hit.
 */
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive, type ProcessIdentity } from '../../backends/process-identity.ts';

export interface PodProcess extends ProcessIdentity {
  readonly pod: string;
  readonly role: 'coordinator' | 'worker' | 'gateway';
  readonly folder: string;
}

/** The living processes of one import's pods. */
export function podProcesses(stateDir: string, importName: string): PodProcess[] {
  const root = join(stateDir, 'run');
  return entries(root).flatMap((pod) => {
    const role = (['coordinator', 'worker', 'gateway'] as const).find((one) =>
      pod.startsWith(`${importName}-${one}`),
    );
    const folder = join(root, pod);
    const identity = recorded(join(folder, 'process.json'));
    if (role === undefined || identity === undefined || !isAlive(identity)) return [];
    return [{ ...identity, pod, role, folder }];
  });
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function recorded(file: string): ProcessIdentity | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ProcessIdentity;
  } catch {
    // Not written yet, or gone with its pod.
    return undefined;
  }
}

/** Whether the container has left its last words. */
export function hasLastWords(pod: PodProcess): boolean {
  try {
    return statSync(join(pod.folder, 'termination-log')).size > 0;
  } catch {
    return false;
  }
}

/** Which of the processes has the local end of a TCP connection at this port. */
export function ownerOfPort<T extends ProcessIdentity>(
  port: number,
  processes: readonly T[],
): T | undefined {
  const inode = inodeOfPort(port);
  if (inode === undefined) return undefined;
  return processes.find(({ pid }) => holdsSocket(pid, inode));
}

function inodeOfPort(port: number): string | undefined {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const lines = readFileSync('/proc/net/tcp', 'utf8').split('\n');
  const line = lines.find((one) => one.trim().split(/\s+/)[1]?.endsWith(local));
  return line?.trim().split(/\s+/)[9];
}

function holdsSocket(pid: number, inode: string): boolean {
  const folder = `/proc/${String(pid)}/fd`;
  return entries(folder).some((fd) => {
    try {
      return readlinkSync(join(folder, fd)) === `socket:[${inode}]`;
    } catch {
      return false;
    }
  });
}
