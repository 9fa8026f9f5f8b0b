import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/manual-clock.ts';
import { retryRate, TokenBucket } from './token-bucket.ts';
import { WorkQueue } from './work-queue.ts';

const quiet = { reconciled: () => undefined, queueDepth: () => undefined };

describe('token bucket', () => {
  it('lets a burst through, spreads the rest, and fills up again', async () => {
    const clock = new ManualClock();
    const budget = new TokenBucket(clock, { perSecond: 10, burst: 2 });

    const waits = Array.from({ length: 4 }, () => budget.takeMs());
    await clock.advance(10_000);

    expect(waits).toEqual([0, 0, 100, 200]);
    expect([budget.takeMs(), budget.takeMs(), budget.takeMs()]).toEqual([0, 0, 100]);
  });

  it('keeps a thousand failing keys from storming a server that is down', async () => {
    const clock = new ManualClock();
    let passes = 0;
    let heldBack = 0;
    const queue = new WorkQueue({
      clock,
      concurrency: 8,
      random: () => 0.5,
      retries: new TokenBucket(clock, retryRate),
      work: () => {
        passes++;
        return Promise.reject(new Error('down'));
      },
      events: { ...quiet, retryHeldBack: () => heldBack++ },
    });
    for (let key = 0; key < 1_000; key++) queue.add(`team/${key}`);
    queue.start();
    await queue.idle();

    await clock.advance(10_000);

    expect(passes).toBeGreaterThan(1_000);
    expect(passes).toBeLessThanOrEqual(1_000 + 100 + 10 * 10);
    expect(heldBack).toBeGreaterThan(800);
    await queue.stop();
  });
});

describe('age of the oldest key', () => {
  it('is how long the first of those that wait has waited, and nothing before the queue starts', async () => {
    const clock = new ManualClock();
    const blocked = Promise.withResolvers<object>();
    const queue = new WorkQueue({
      clock,
      concurrency: 1,
      work: () => blocked.promise,
      events: quiet,
    });
    queue.add('team/a');
    await clock.advance(5_000);
    const beforeStart = queue.oldestMs;

    queue.start();
    queue.add('team/b', 'initial');
    await clock.advance(2_000);
    queue.add('team/c');
    queue.add('team/b');
    await clock.advance(1_000);

    expect([beforeStart, queue.oldestMs]).toEqual([0, 3_000]);
    blocked.resolve({});
    await queue.idle();
    expect(queue.oldestMs).toBe(0);
  });
});
