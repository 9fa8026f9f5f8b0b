import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ManualClock, turns } from '../../test/manual-clock.ts';
import { KubeFailure } from './kube-failure.ts';
import { WorkQueue, type WorkResult } from './work-queue.ts';

const quiet = { reconciled: () => undefined, queueDepth: () => undefined };

interface Harness {
  readonly queue: WorkQueue;
  readonly clock: ManualClock;
  readonly started: string[];
}

function harness(
  work: (key: string) => Promise<WorkResult> = () => Promise.resolve({}),
  concurrency = 1,
): Harness {
  const clock = new ManualClock();
  const started: string[] = [];
  const queue = new WorkQueue({
    clock,
    concurrency,
    events: quiet,
    random: () => 0.5,
    work: (key) => {
      started.push(key);
      return work(key);
    },
  });
  return { queue, clock, started };
}

describe('work queue', () => {
  it('runs a key once however often it was added', async () => {
    const { queue, started } = harness();
    for (let count = 0; count < 100; count++) queue.add('team/users');

    queue.start();
    await queue.idle();

    expect(started).toEqual(['team/users']);
  });

  it('lets changes overtake what a first list brought', async () => {
    const { queue, started } = harness();
    queue.add('a', 'initial');
    queue.add('b', 'initial');
    queue.add('c');
    queue.add('b');

    queue.start();
    await queue.idle();

    expect(started).toEqual(['c', 'b', 'a']);
  });

  it('knows how long the first of its keys has waited, whatever was added to it meanwhile', async () => {
    const done = Promise.withResolvers<WorkResult>();
    const { queue, clock } = harness(() => done.promise);
    queue.add('busy');
    queue.add('old', 'initial');
    await clock.advance(60_000);
    expect(queue.oldestMs).toBe(0);

    queue.start();
    await clock.advance(3_000);
    queue.add('new');
    queue.add('old');
    await clock.advance(4_000);

    expect(queue.oldestMs).toBe(7_000);
    done.resolve({});
    await queue.idle();
    expect(queue.oldestMs).toBe(0);
  });

  it('doubles the wait with each failure up to five minutes, and forgets it after a success', async () => {
    let fails = true;
    const { queue, clock, started } = harness(() =>
      fails ? Promise.reject(new Error('away')) : Promise.resolve({}),
    );
    queue.start();
    queue.add('a');
    await queue.idle();

    for (const [index, waitMs] of [500, 1_000, 2_000, 4_000].entries()) {
      await clock.advance(waitMs - 1);
      expect(started.length).toBe(index + 1);
      await clock.advance(1);
      expect(started.length).toBe(index + 2);
    }
    await clock.advance(3_600_000);
    const before = started.length;
    await clock.advance(300_000);
    expect(started.length).toBe(before + 1);
    fails = false;
    queue.add('a');
    await queue.idle();
    fails = true;
    queue.add('a');
    await queue.idle();
    const after = started.length;
    await clock.advance(500);
    expect(started.length).toBe(after + 1);
    await queue.stop();
  });

  it('waits as long as the API asks, if that is longer', async () => {
    const { queue, clock, started } = harness(() =>
      Promise.reject(new KubeFailure('TooManyRequests', 'busy', { retryAfterMs: 9_000 })),
    );
    queue.start();
    queue.add('a');

    await clock.advance(8_999);
    expect(started.length).toBe(1);
    await clock.advance(1);
    expect(started.length).toBe(2);
    await queue.stop();
  });

  it('brings a key back after the time that its pass asked for, or at once for a change', async () => {
    const { queue, clock, started } = harness(() => Promise.resolve({ requeueAfterMs: 10_000 }));
    queue.start();
    queue.add('a');
    await clock.advance(9_999);
    expect(started.length).toBe(1);

    await clock.advance(1);
    expect(started.length).toBe(2);
    queue.add('a');
    await queue.idle();

    expect(started.length).toBe(3);
    await clock.advance(9_999);
    expect(started.length).toBe(3);
    await queue.stop();
    expect(clock.sleepers).toBe(0);
  });

  it('takes work that was postponed for neither a success nor a pass', async () => {
    const results = ['fail', 'fail', 'postpone', 'fail'];
    const told: (number | undefined)[] = [];
    const clock = new ManualClock();
    const queue = new WorkQueue({
      clock,
      concurrency: 1,
      random: () => 0.5,
      events: { ...quiet, reconciled: ({ retryInMs }) => told.push(retryInMs) },
      work: () =>
        results.shift() === 'postpone'
          ? Promise.resolve({ requeueAfterMs: 50, isPostponed: true })
          : Promise.reject(new Error('away')),
    });
    queue.start();
    queue.add('a');

    await clock.advance(1_600);

    expect(told).toEqual([500, 1_000, 2_000]);
    await queue.stop();
  });

  it('finishes what runs and starts nothing more when it is stopped', async () => {
    let finish: (result: WorkResult) => void = () => undefined;
    const { queue, started } = harness(() => new Promise((resolve) => (finish = resolve)));
    queue.start();
    queue.add('a');
    queue.add('b');
    await turns(2);
    let isStopped = false;
    const stopped = queue.stop().then(() => (isStopped = true));
    await turns(2);
    expect(isStopped).toBe(false);

    finish({ requeueAfterMs: 1 });
    await stopped;
    queue.add('c');
    await turns(2);

    expect(started).toEqual(['a']);
  });

  it('never runs a key beside itself, nor more keys than allowed, and loses no change', async () => {
    const step = fc.record({
      key: fc.constantFrom('a', 'b', 'c', 'd'),
      lane: fc.constantFrom('change' as const, 'initial' as const),
      waitMs: fc.nat(40),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 60 }),
        fc.integer({ min: 1, max: 3 }),
        fc.infiniteStream(fc.record({ takesMs: fc.nat(30), fails: fc.boolean() })),
        async (steps, concurrency, runs) => {
          const clock = new ManualClock();
          const running = new Set<string>();
          const changes = new Map<string, number>();
          const seen = new Map<string, number>();
          const queue = new WorkQueue({
            clock,
            concurrency,
            events: quiet,
            work: async (key) => {
              expect(running.has(key)).toBe(false);
              running.add(key);
              expect(running.size).toBeLessThanOrEqual(concurrency);
              const read = changes.get(key) ?? 0;
              const run = runs.next().value;
              await clock.sleep(run.takesMs);
              running.delete(key);
              if (run.fails) throw new Error('away');
              seen.set(key, Math.max(seen.get(key) ?? 0, read));
              return {};
            },
          });
          queue.start();
          for (const { key, lane, waitMs } of steps) {
            changes.set(key, (changes.get(key) ?? 0) + 1);
            queue.add(key, lane);
            await clock.advance(waitMs);
          }
          // A success is bound to come: each failure is tried again.
          for (let round = 0; round < 200 && !same(seen, changes); round++) {
            await clock.advance(400_000);
          }
          expect(seen).toEqual(changes);
          await queue.stop();
        },
      ),
      { numRuns: 60 },
    );
  });
});

function same(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): boolean {
  return a.size === b.size && [...a].every(([key, count]) => b.get(key) === count);
}
