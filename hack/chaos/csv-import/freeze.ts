/** Stops servers with all of their processes for a while: nothing dies, and nothing answers. */
import { readdirSync, readFileSync } from 'node:fs';
import { identify, signalProcess, type ProcessIdentity } from '../../backends/process-identity.ts';

/** A process and what descends from it. */
export function processTree(pid: number): readonly ProcessIdentity[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    const parent = /^\d+$/.test(name) ? parentOf(name) : undefined;
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const all = [pid];
  for (const one of all) all.push(...(children.get(one) ?? []));
  return all.flatMap((one) => identify(one) ?? []);
}

function parentOf(pid: string): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name of the program may hold anything, parentheses too.
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return undefined;
  }
}

/** Stops the first of the tree first, which makes no more of them then. Gives what lets them go on. */
export function freeze(pid: number): () => void {
  const frozen: ProcessIdentity[] = [];
  for (let found = processTree(pid); ; found = processTree(pid)) {
    const more = found.filter((one) => !frozen.some((held) => held.pid === one.pid));
    if (more.length === 0) break;
    for (const one of more) signalProcess(one, 'SIGSTOP');
    frozen.push(...more);
  }
  return () => {
    for (const one of frozen) signalProcess(one, 'SIGCONT');
  };
}
