/**
 * Starts a backend of ours again when its process has died, as a cluster would. One given by URL is
 * somebody else's; one that is only stopped or slow is not touched: that is for the runtimes to bear.
 */
import { systemClock } from '@millrace/kit/clock';
import type { BackendName, RunningBackend } from '../backends/backend.ts';
import { identify } from '../backends/process-identity.ts';

export interface BackendKeeperOptions {
  readonly backends: ReadonlyMap<BackendName, RunningBackend>;
  readonly signal: AbortSignal;
  log(line: string): void;
}

const lookMs = 500;
/** After a start that failed; its reason will not go away within a moment. */
const retryMs = 5_000;

/** Resolves after the signal has aborted and no start is under way. */
export async function keepBackends(options: BackendKeeperOptions): Promise<void> {
  const kept = [...options.backends.values()].filter(({ ours }) => ours);
  await Promise.all(kept.map(async (backend) => keepOne(backend, options)));
}

async function keepOne(backend: RunningBackend, options: BackendKeeperOptions): Promise<void> {
  const { signal } = options;
  let waitMs = lookMs;
  for (;;) {
    await systemClock.sleep(waitMs, signal);
    if (signal.aborted) return;
    waitMs = lookMs;
    // A container has no process of this host; its engine looks after it.
    if (backend.pid === undefined || identify(backend.pid) !== undefined) continue;
    options.log(`${backend.name} has died; starting it again`);
    try {
      await backend.restart();
    } catch (error) {
      waitMs = retryMs;
      options.log(`${backend.name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}
