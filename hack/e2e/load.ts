/**
 * Clients of a pipeline that repeat each request, with a key, until it is answered with 200: then
 * every sum is known exactly, whatever is killed meanwhile.
 */
import { startClients, type Clients } from '../load/clients.ts';
import { Random } from '../load/random.ts';

export const seed = 20_261_121;

export interface LoadOptions {
  readonly url: string;
  readonly keys: readonly string[];
  readonly clients: number;
  readonly itemsPerRequest: number;
  /** Until it is stopped, unless told. */
  readonly incrementsMax?: number;
}

export interface Load extends Pick<Clients, 'tally' | 'stop'>, AsyncDisposable {
  /** `200 ×312, 503 Unavailable ×2` */
  reasonsText(): string;
}

const timeoutMs = 10_000;
const valueMax = 1_000;
let loads = 0;

export function startLoad(options: LoadOptions): Load {
  loads += 1;
  const running = startClients({
    ...options,
    valueMax,
    timeoutMs,
    retryingAs: `e2e-${String(process.pid)}-${String(loads)}`,
    random: new Random(seed + loads),
  });
  return {
    tally: running.tally,
    stop: async (patienceMs) => running.stop(patienceMs),
    reasonsText: () =>
      [...running.reasons].map(([reason, times]) => `${reason} ×${String(times)}`).join(', '),
    [Symbol.asyncDispose]: async () => running[Symbol.asyncDispose](),
  };
}
