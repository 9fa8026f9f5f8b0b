/** Runs a load in a process of its own. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setPriority } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { BatchLoad, BatchLoadResult, SingleLoad, SingleLoadResult } from './generator.ts';

const entry = fileURLToPath(new URL('generator.ts', import.meta.url));

export interface LoadProcess<Result> extends Disposable {
  /** Begins the load; resolves at its end. */
  run(): Promise<Result>;
}

export function prepareLoad(load: SingleLoad): Promise<LoadProcess<SingleLoadResult>>;
export function prepareLoad(load: BatchLoad): Promise<LoadProcess<BatchLoadResult>>;
export async function prepareLoad(load: SingleLoad | BatchLoad): Promise<LoadProcess<unknown>> {
  // Typed arrays are too long for JSON.
  const child = fork(entry, { serialization: 'advanced' });
  const { pid = 0 } = child;
  const failed = once(child, 'exit').then(([code]) => {
    throw new Error(`the load generator ended with ${String(code)}`);
  });
  failed.catch(() => undefined);
  const message = async (): Promise<unknown> => {
    const received = (await Promise.race([once(child, 'message'), failed])) as [unknown];
    return received[0];
  };
  prefer(pid);
  child.send(load);
  await message();
  return {
    run: () => {
      child.send('go');
      return message();
    },
    [Symbol.dispose]: () => {
      child.kill('SIGKILL');
    },
  };
}

/** It stands for other machines, which would not wait for a core here; only root may ask for that. */
function prefer(pid: number): void {
  try {
    setPriority(pid, -10);
  } catch {
    // The lateness that every load reports says whether it mattered.
  }
}
