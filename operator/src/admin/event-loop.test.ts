import { describe, expect, it } from 'vitest';
import { watchEventLoop, type Ticker } from './event-loop.ts';

class ManualTicker implements Ticker {
  #now = 0;
  #tick: () => void = () => undefined;
  isStopped = false;

  monotonic(): number {
    return this.#now;
  }

  every(_ms: number, tick: () => void): () => void {
    this.#tick = tick;
    return () => {
      this.isStopped = true;
    };
  }

  /** Time in which nothing runs. */
  block(ms: number): void {
    this.#now += ms;
  }

  turn(seconds: number): void {
    for (let half = 0; half < seconds * 2; half++) {
      this.block(500);
      this.#tick();
    }
  }
}

describe('the event loop', () => {
  it('is fine while it turns, and when it was late by less than the limit', () => {
    const ticker = new ManualTicker();
    using loop = watchEventLoop(ticker);

    ticker.turn(60);
    ticker.block(5_000);
    ticker.turn(1);

    expect(loop.problem()).toBeUndefined();
  });

  it('was blocked, for the next probe but not for ever', () => {
    const ticker = new ManualTicker();
    using loop = watchEventLoop(ticker);

    ticker.turn(1);
    ticker.block(7_000);
    ticker.turn(10);
    expect(loop.problem()).toBe('the event loop was blocked for 7.0 s');
    ticker.turn(6);

    expect(loop.problem()).toBeUndefined();
  });

  it('is seen to be blocked by a probe that comes before the late timer', () => {
    const ticker = new ManualTicker();
    using loop = watchEventLoop(ticker);

    ticker.block(6_000);

    expect(loop.problem()).toContain('5.5 s');
  });

  it('is no longer watched once disposed of', () => {
    const ticker = new ManualTicker();

    watchEventLoop(ticker)[Symbol.dispose]();

    expect(ticker.isStopped).toBe(true);
  });
});
