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

/**
 * Which of the processes has the local end of a TCP connection at this port. It is asked within a
 * moment of a few milliseconds, so it reads no more than it must.
 */
export function ownerOfPort<T extends ProcessIdentity>(
  port: number,
  processes: readonly T[],
): T | undefined {
  const socket = tcpSockets(`:${hexPort(port)} `)[0];
  return socket && processes.find(({ pid }) => socketsOf(pid).includes(socket.inode));
}

/** Connections that others have made to ports at which the process listens. */
export function connectionsTo({ pid }: ProcessIdentity): number {
  const inodes = new Set(socketsOf(pid));
  const own = tcpSockets().filter(({ inode }) => inodes.has(inode));
  const listening = new Set(own.filter(({ state }) => state === listens).map((one) => one.port));
  return own.filter(({ state, port }) => state !== listens && listening.has(port)).length;
}

/** Local ports of the connections that others have made to this port. */
export function clientPorts(port: number): readonly string[] {
  const hex = hexPort(port);
  return tcpSockets(` 0100007F:${hex} `, remoteEnds)
    .filter(({ state, remotePort }) => state === established && remotePort === hex)
    .map((socket) => socket.port);
}

interface TcpSocket {
  /** As the kernel writes it. */
  readonly port: string;
  readonly remotePort: string;
  readonly state: string;
  readonly inode: string;
}

const listens = '0A';
const established = '01';

function hexPort(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, '0');
}

/** Those that have this in the beginning of their line, or all. */
function tcpSockets(part = '', ends = localEnds): readonly TcpSocket[] {
  const lines = readFileSync('/proc/net/tcp', 'utf8').trim().split('\n').slice(1);
  return lines.flatMap((line) => {
    // The line begins with its number and the local address; the remote one may have the same port.
    if (!line.slice(0, ends).includes(part)) return [];
    const words = line.trim().split(/\s+/);
    const [port = '', remotePort = ''] = [words[1], words[2]].map((one) => one?.split(':')[1]);
    return { port, remotePort, state: words[3] ?? '', inode: words[9] ?? '' };
  });
}

/** Also where there are so many that their numbers are wider. */
const localEnds = '12345: 0100007F:1234 '.length;
const remoteEnds = '12345: 0100007F:1234 0100007F:1234 '.length;

function socketsOf(pid: number): readonly string[] {
  const folder = `/proc/${String(pid)}/fd`;
  return entries(folder).flatMap((fd) => {
    try {
      return (
        /^socket:\[(?<inode>\d+)\]$/.exec(readlinkSync(join(folder, fd)))?.groups?.['inode'] ?? []
      );
    } catch {
      return [];
    }
  });
}
