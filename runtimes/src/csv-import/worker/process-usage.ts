/**
 * What the kernel says of another process and of the container around both: memory and time on the
 * processor. Only where there is /proc and a control group; elsewhere it knows nothing, and whoever
 * asks has no evidence.
 */
import { readFile } from 'node:fs/promises';

async function textOf(file: string): Promise<string | undefined> {
  return await readFile(file, 'utf8').catch(() => undefined);
}

/** Bytes that a process holds; undefined when it has ended. */
export async function residentBytes(pid: number): Promise<number | undefined> {
  const status = await textOf(`/proc/${pid}/status`);
  const found = /^VmRSS:\s+(\d+) kB/m.exec(status ?? '');
  return found === null ? undefined : Number(found[1]) * 1024;
}

/** Linux counts in hundredths of a second, whatever its own clock does. */
const tickMs = 10;

/** Time that a process has computed: it stands still with the process, or while others compute. */
export async function processorMs(pid: number): Promise<number | undefined> {
  const stat = await textOf(`/proc/${pid}/stat`);
  // The name of the program, in brackets, may hold anything.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [user, system] = [Number(fields?.[11]), Number(fields?.[12])];
  return Number.isFinite(user + system) ? (user + system) * tickMs : undefined;
}

const limitFiles = ['/sys/fs/cgroup/memory.max', '/sys/fs/cgroup/memory/memory.limit_in_bytes'];
/** Control groups of version 1 write about so much when there is no limit. */
const noLimit = 2 ** 60;

/** The memory limit of this container, if it has one. */
export async function containerBytesMax(): Promise<number | undefined> {
  for (const file of limitFiles) {
    const bytes = Number.parseInt((await textOf(file)) ?? '', 10);
    if (bytes < noLimit) return bytes;
  }
  return undefined;
}

/** How often this container came to its memory limit; the node's memory does not count here. */
export async function limitReached(): Promise<number> {
  const events = await textOf('/sys/fs/cgroup/memory.events');
  return Number(/^oom (\d+)$/m.exec(events ?? '')?.[1] ?? 0);
}
