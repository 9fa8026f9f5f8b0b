import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Clock } from '@millrace/kit/clock';
import { Transient } from '@millrace/kit/transient';
import { createRateLimit, type GiveBack, type RateLimit, type Take } from './rate-limit.ts';
import { RequestError } from './request-error.ts';

interface ManualClock extends Clock {
  advance(ms: number): void;
}

function manualClock(): ManualClock {
  let now = 0;
  let sleepers: { readonly at: number; readonly wake: () => void }[] = [];
  return {
    now: () => now,
    monotonic: () => now,
    sleep: (ms) => new Promise((wake) => sleepers.push({ at: now + ms, wake })),
    advance: (ms) => {
      now += ms;
      const due = sleepers.filter(({ at }) => at <= now);
      sleepers = sleepers.filter(({ at }) => at > now);
      for (const { wake } of due) wake();
    },
  };
}

/** What the store does, without Redis: its own service test shows that Redis does the same. */
interface ModelStore {
  readonly take: Take;
  readonly giveBack: GiveBack;
  calls: number;
  /** How far its clock is ahead of the gateways'. */
  aheadMs: number;
  failure: Error | undefined;
}

function modelStore(clock: Clock): ModelStore {
  const used = new Map<string, number>();
  const store: ModelStore = {
    calls: 0,
    aheadMs: 0,
    failure: undefined,
    take: async (subject, { requests, perMs, ahead }, wanted) => {
      store.calls += 1;
      if (store.failure !== undefined) throw store.failure;
      const now = clock.now() + store.aheadMs;
      const window = String(Math.floor(now / perMs));
      const name = `${window} ${subject}`;
      const left = requests - (used.get(name) ?? 0);
      const needed = Math.min(wanted, left);
      const granted = needed + Math.min(ahead, Math.floor((left - needed) / 16));
      used.set(name, requests - left + granted);
      return { granted, window, windowEndsInMs: (Number(window) + 1) * perMs - now };
    },
    giveBack: async (subject, _window, { count, window }) => {
      store.calls += 1;
      const name = `${window} ${subject}`;
      used.set(name, (used.get(name) ?? 0) - count);
    },
  };
  return store;
}

async function attempt(limit: RateLimit | undefined, subject = 'a', cost = 1): Promise<number> {
  try {
    await limit?.admit(subject, cost);
    return cost;
  } catch (error) {
    if (error instanceof RequestError && error.status === 429) return 0;
    throw error;
  }
}

async function attempts(limit: RateLimit, count: number): Promise<number> {
  const all = await Promise.all(Array.from({ length: count }, () => attempt(limit)));
  return all.reduce((sum, one) => sum + one, 0);
}

/** Lets everything run that does not wait for time. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const step = fc.oneof(
  fc.record({ gateway: fc.nat(2), burst: fc.integer({ min: 1, max: 20 }) }),
  fc.record({ advanceMs: fc.integer({ min: 0, max: 30 }) }),
  fc.record({ deliver: fc.integer({ min: 1, max: 3 }) }),
);

describe('a rate limit over several gateways', () => {
  it('admits exactly the documented number in a window, whatever the interleaving', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(step, { maxLength: 60 }),
        fc.integer({ min: 1, max: 400 }),
        fc.nat(2),
        async (scheduler, steps, requests, last) => {
          const clock = manualClock();
          const store = modelStore(clock);
          // Both ways take time of their own: another gateway may be served in between.
          const delayed: Pick<ModelStore, 'take' | 'giveBack'> = {
            take: async (...asked) => {
              await scheduler.schedule(Promise.resolve(), 'take');
              const taken = await store.take(...asked);
              await scheduler.schedule(Promise.resolve(), 'taken');
              return taken;
            },
            giveBack: async (...given) => {
              await scheduler.schedule(Promise.resolve(), 'give back');
              await store.giveBack(...given);
            },
          };
          const gateways = Array.from({ length: 3 }, () =>
            createRateLimit({ requests, perMs: 3_600_000, clock, ...delayed }),
          );
          let admitted = 0;
          const fire = async (index: number): Promise<void> => {
            const passed = await attempt(gateways[index]);
            admitted += passed;
          };
          const fired: Promise<void>[] = [];

          for (const one of steps) {
            if ('burst' in one) {
              fired.push(...Array.from({ length: one.burst }, () => fire(one.gateway)));
            } else if ('advanceMs' in one) {
              clock.advance(one.advanceMs);
            } else {
              for (let n = 0; n < one.deliver && scheduler.count() > 0; n++) {
                await scheduler.waitOne();
              }
            }
            await Promise.resolve();
            expect(admitted).toBeLessThanOrEqual(requests);
          }
          // One gateway alone goes on asking, and gets what the others hold and do not use.
          for (let tries = 0; tries < 12 || (admitted < requests && tries < 60); tries++) {
            fired.push(...Array.from({ length: 20 }, () => fire(last)));
            await scheduler.waitIdle();
            clock.advance(60);
            await settled();
            await scheduler.waitIdle();
          }
          await Promise.all(fired);

          expect(admitted).toBe(requests);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('asks the store a few times a second for a busy subject', async () => {
    const clock = manualClock();
    const store = modelStore(clock);
    const limit = createRateLimit({ requests: 1_000_000, perMs: 3_600_000, clock, ...store });

    for (let ms = 0; ms < 500; ms++) {
      expect(await attempts(limit, 10)).toBe(10);
      clock.advance(1);
    }

    expect(store.calls).toBeLessThan(40);
  });

  it('takes nothing ahead from a store that takes nothing back', async () => {
    const clock = manualClock();
    const { take } = modelStore(clock);
    const asked: number[] = [];
    const limit = createRateLimit({
      requests: 1_000,
      perMs: 3_600_000,
      clock,
      take: async (subject, window, wanted) => {
        asked.push(window.ahead);
        return await take(subject, window, wanted);
      },
    });

    for (let round = 0; round < 10; round++) await attempts(limit, 20);

    expect(asked.length).toBeGreaterThan(0);
    expect(new Set(asked)).toEqual(new Set([0]));
  });

  it('does not use in one window what was taken ahead in the one before', async () => {
    const clock = manualClock();
    const store = modelStore(clock);
    const window = { requests: 320, perMs: 1_000 };
    const limit = createRateLimit({ ...window, clock, ...store });
    const other = createRateLimit({ ...window, clock, ...store });
    clock.advance(990);
    await attempts(limit, 20);
    clock.advance(5);
    await attempts(limit, 20);

    clock.advance(5);
    const admitted = (await attempts(other, 400)) + (await attempts(limit, 400));

    expect(admitted).toBeLessThanOrEqual(320);
  });

  it('drops what it holds when the store has gone on to another window', async () => {
    const clock = manualClock();
    const store = modelStore(clock);
    const window = { requests: 16, perMs: 60_000, take: store.take, clock };
    const limit = createRateLimit(window);
    const other = createRateLimit(window);
    expect([await attempt(limit, 'a', 10), await attempt(limit, 'a', 10)]).toEqual([10, 0]);

    clock.advance(101);
    store.aheadMs = 60_000;
    expect(await attempt(other, 'a', 13)).toBe(13);
    expect(await attempt(limit, 'a', 10)).toBe(0);

    expect(await attempts(limit, 16)).toBe(3);
  });

  it('keeps what it holds while the store is away', async () => {
    const clock = manualClock();
    const store = modelStore(clock);
    const limit = createRateLimit({ requests: 3_200, perMs: 60_000, clock, ...store });
    await attempts(limit, 20);
    clock.advance(5);
    await attempts(limit, 20);

    store.failure = new Transient('NotConnected', 'Counting.', { backend: 'redis' });
    await expect(limit.admit('a', 3_000)).rejects.toThrow(Transient);

    expect(await attempts(limit, 5)).toBe(5);
  });

  it('says in Retry-After when the window is over, and admits again from then on', async () => {
    const clock = manualClock();
    const limit = createRateLimit({ requests: 3, perMs: 60_000, clock, ...modelStore(clock) });
    clock.advance(47_655);
    expect(await attempts(limit, 3)).toBe(3);

    await expect(limit.admit('a')).rejects.toMatchObject({
      status: 429,
      headers: { 'retry-after': '13' },
    });
    clock.advance(13_000);

    expect(await attempts(limit, 5)).toBe(3);
  });

  it('refuses a flood without asking the store for each request, and leaves others alone', async () => {
    const clock = manualClock();
    const store = modelStore(clock);
    const limit = createRateLimit({ requests: 5, perMs: 60_000, clock, ...store });
    await attempts(limit, 100);
    const before = store.calls;

    for (let ms = 0; ms < 100; ms += 10) {
      expect(await attempts(limit, 50)).toBe(0);
      clock.advance(10);
    }

    expect(store.calls - before).toBeLessThanOrEqual(1);
    expect(await attempt(limit, 'another')).toBe(1);
  });

  it('counts what a request costs, and never admits one that costs more than there are', async () => {
    const clock = manualClock();
    const store = modelStore(clock);
    const limit = createRateLimit({ requests: 10, perMs: 60_000, clock, ...store });

    expect(await attempt(limit, 'a', 11)).toBe(0);
    expect(store.calls).toBe(0);
    expect(await attempt(limit, 'a', 7)).toBe(7);
    expect(await attempt(limit, 'a', 4)).toBe(0);
    expect(await attempt(limit, 'a', 3)).toBe(3);
  });

  it('fails while the store is away, and admits once it is back', async () => {
    const clock = manualClock();
    const store = modelStore(clock);
    const limit = createRateLimit({ requests: 5, perMs: 60_000, clock, ...store });
    store.failure = new Transient('NotConnected', 'Counting.', { backend: 'redis' });

    const outcomes = await Promise.allSettled([limit.admit('a'), limit.admit('a')]);
    store.failure = undefined;

    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await expect(limit.admit('b')).resolves.toBeUndefined();
    expect(await attempts(limit, 6)).toBe(5);
  });

  it('gives back what a subject holds that it had to forget, and remembers a bounded number', async () => {
    const clock = manualClock();
    const store = modelStore(clock);
    const window = { requests: 64, perMs: 3_600_000 };
    const limit = createRateLimit({ ...window, clock, ...store, subjectsMax: 3 });
    const other = createRateLimit({ ...window, clock, ...store });
    await attempts(limit, 10);
    clock.advance(1);
    await attempts(limit, 10);

    for (const name of ['b', 'c', 'd', 'e']) await attempt(limit, name);
    clock.advance(60);
    await settled();

    expect(await attempts(other, 100)).toBe(44);
    // Asked again although it would be known to be over its bound, if it were remembered.
    expect(await attempt(limit)).toBe(0);
    for (const name of ['b', 'c', 'd', 'e']) await attempt(limit, name);
    const before = store.calls;
    expect(await attempt(limit)).toBe(0);
    expect(store.calls).toBe(before + 1);
  });
});
