/**
 * Finds processes of pods by what play records of them, and which process holds a connection. Pids
 * are used together with their start time, so that nobody else's process is ever hit.
 */
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive, type ProcessIdentity } from '../backends/process-identity.ts';

export interface PodProcess extends ProcessIdentity {
  readonly pod: string;
  readonly role: 'coordinator' | 'worker' | 'gateway';
  readonly folder: string;
}

/** The living processes of one resource's pods. */
export function podProcesses(stateDir: string, resourceName: string): PodProcess[] {
  const root = join(stateDir, 'run');
  return entries(root).flatMap((pod) => {
    const role = (['coordinator', 'worker', 'gateway'] as const).find((one) =>
      pod.startsWith(`${resourceName}-${one}`),
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
  const socket = tcpSockets().find((one) => one.localPort === port);
  if (socket === undefined) return undefined;
  return processes.find(({ pid }) => inodesOf(pid).has(socket.inode));
}

/** Connections that others have made to ports at which the process listens. */
export function connectionsTo({ pid }: ProcessIdentity): number {
  const inodes = inodesOf(pid);
  const own = tcpSockets().filter(({ inode }) => inodes.has(inode));
  const listening = new Set(
    own.filter(({ state }) => state === listens).map((one) => one.localPort),
  );
  return own.filter(({ state, localPort }) => state !== listens && listening.has(localPort)).length;
}

interface TcpSocket {
  readonly localPort: number;
  readonly state: string;
  readonly inode: string;
}

const listens = '0A';

function tcpSockets(): readonly TcpSocket[] {
  const lines = readFileSync('/proc/net/tcp', 'utf8').trim().split('\n').slice(1);
  return lines.map((line) => {
    const words = line.trim().split(/\s+/);
    const localPort = Number.parseInt(words[1]?.split(':')[1] ?? '', 16);
    return { localPort, state: words[3] ?? '', inode: words[9] ?? '' };
  });
}

function inodesOf(pid: number): ReadonlySet<string> {
  const folder = `/proc/${String(pid)}/fd`;
  const links = entries(folder).map((fd) => {
    try {
      return readlinkSync(join(folder, fd));
    } catch {
      return '';
    }
  });
  return new Set(
    links.flatMap((link) => /^socket:\[(?<inode>\d+)\]$/.exec(link)?.groups?.['inode'] ?? []),
  );
}
