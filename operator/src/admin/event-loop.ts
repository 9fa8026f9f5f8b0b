/**
 * Whether the event loop turns, for /livez.
 *
 * A loop that hangs answers nothing, which the kubelet notices by itself. This is for the one that
 * hangs again and again and recovers in between: a timer measures how late it is, and a block longer
 * than the limit is remembered long enough for the next probe to see it. One block costs one failed
 * probe, which is forgiven; a process that keeps blocking fails them all and is started again.
 */
export interface EventLoop extends Disposable {
  /** What is wrong, or undefined. */
  problem(): string | undefined;
}

/** How a test moves time; `every` returns how to stop. */
export interface Ticker {
  monotonic(): number;
  every(ms: number, tick: () => void): () => void;
}

const tickMs = 500;
/** Half of the time after which a leader gives up: what blocks this long endangers the Lease. */
const blockedMsMax = 5_000;
/** Longer than the ten seconds between probes, shorter than two such periods. */
const rememberedMs = 15_000;

export const systemTicker: Ticker = {
  monotonic: () => performance.now(),
  every: (ms, tick) => {
    const timer = setInterval(tick, ms);
    timer.unref();
    return () => clearInterval(timer);
  },
};

export function watchEventLoop(ticker: Ticker = systemTicker): EventLoop {
  let tickedAt = ticker.monotonic();
  let block = { at: Number.NEGATIVE_INFINITY, ms: 0 };
  const look = (): void => {
    const now = ticker.monotonic();
    const lateMs = now - tickedAt - tickMs;
    if (lateMs > blockedMsMax) block = { at: now, ms: lateMs };
  };
  const stop = ticker.every(tickMs, () => {
    look();
    tickedAt = ticker.monotonic();
  });
  return {
    problem: () => {
      // The probe may be served before the timer that is late.
      look();
      if (ticker.monotonic() - block.at > rememberedMs) return undefined;
      return `the event loop was blocked for ${(block.ms / 1_000).toFixed(1)} s`;
    },
    [Symbol.dispose]: stop,
  };
}
