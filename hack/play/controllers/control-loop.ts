/**
 * A level-triggered loop: watches wake it, and each pass looks at everything anew.
 *
 * Passes never overlap and wakes during a pass make one more pass. The passes read the API itself,
 * not a cache, so a pass always sees its own writes and never creates a pod twice. A failed pass is
 * tried again; it may have met a conflict, or an object that was deleted meanwhile.
 */
import { systemClock } from '@millrace/kit/clock';
import type { KubeApi, ResourceType } from '@millrace/operator/machinery/kube-api';
import { KubeFailure } from '@millrace/operator/machinery/kube-failure';

export interface ControlLoopOptions {
  readonly api: Pick<KubeApi, 'list' | 'watch'>;
  readonly watched: readonly ResourceType[];
  readonly signal: AbortSignal;
  /** May ask to be run again after so many milliseconds although nothing changed. */
  reconcile(): Promise<{ readonly againInMs?: number } | undefined>;
  onError(error: unknown): void;
}

export interface ControlLoop {
  wake(): void;
  /** Resolves when the signal has aborted and no pass runs any more. */
  readonly ended: Promise<void>;
}

const retryMs = 200;

export function startControlLoop(options: ControlLoopOptions): ControlLoop {
  const { signal } = options;
  let wake: () => void = () => undefined;
  let isAwake = true;
  const call = (): void => {
    isAwake = true;
    wake();
  };
  const sleep = async (ms: number | undefined): Promise<void> => {
    if (isAwake || signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    wake = resolve;
    const timer = ms === undefined ? undefined : setTimeout(resolve, ms);
    await promise;
    clearTimeout(timer);
  };
  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      isAwake = false;
      let againInMs: number | undefined;
      try {
        againInMs = (await options.reconcile())?.againInMs;
      } catch (error) {
        againInMs = retryMs;
        if (!isExpected(error)) options.onError(error);
      }
      await sleep(againInMs);
    }
  };
  signal.addEventListener('abort', call, { once: true });
  const watches = options.watched.map(async (type) => watchForEver(options, type, call));
  return { wake: call, ended: Promise.all([run(), ...watches]).then(() => undefined) };
}

function isExpected(error: unknown): boolean {
  return (
    error instanceof KubeFailure && ['Conflict', 'NotFound', 'AlreadyExists'].includes(error.reason)
  );
}

async function watchForEver(
  options: ControlLoopOptions,
  type: ResourceType,
  call: () => void,
): Promise<void> {
  while (!options.signal.aborted) {
    try {
      await watchOnce(options, type, call);
    } catch (error) {
      if (!(error instanceof KubeFailure && error.reason === 'Gone')) options.onError(error);
      await systemClock.sleep(retryMs, options.signal);
    }
  }
}

async function watchOnce(
  { api, signal }: ControlLoopOptions,
  type: ResourceType,
  call: () => void,
): Promise<void> {
  const { resourceVersion } = await api.list(type);
  call();
  for await (const event of api.watch(type, { resourceVersion, signal })) {
    if (event.type !== 'BOOKMARK') call();
  }
}
