import { describe, expect, it } from 'vitest';
import { Rates } from './rates.ts';

const worker = (member: string, committed: number, busyMs: number) => ({
  member,
  role: 'worker' as const,
  committed: BigInt(committed),
  busyMs: BigInt(busyMs),
});

describe('rates', () => {
  it('are unknown until there are two looks', () => {
    const rates = new Rates();

    rates.add(0, { accepted: 5, committed: 5 }, []);

    expect(rates.now()).toEqual({});
  });

  it('are over the last ten seconds', () => {
    const rates = new Rates();

    for (let second = 0; second <= 20; second++) {
      // A hundred a second at first, then ten.
      const accepted = second <= 10 ? second * 100 : 1_000 + (second - 10) * 10;
      rates.add(second * 1_000, { accepted, committed: second }, []);
    }

    expect(rates.now()).toEqual({ acceptedPerSecond: 10, committedPerSecond: 1 });
  });

  it('come from looks that are some time apart', () => {
    const rates = new Rates();

    rates.add(0, { accepted: 0, committed: 0 }, []);
    rates.add(10, { accepted: 1_000, committed: 0 }, []);

    expect(rates.now()).toEqual({});
  });

  it('do not outlive half a minute without a look', () => {
    const rates = new Rates();

    rates.add(0, { accepted: 0, committed: 0 }, []);
    rates.add(40_000, { accepted: 1_000, committed: 0 }, []);

    expect(rates.now()).toEqual({});
  });

  it('tell what a worker does while it is busy, also after it has become idle', () => {
    const rates = new Rates();
    const idle = { accepted: 0, committed: 0 };

    rates.add(0, idle, [worker('a', 0, 0), worker('b', 1_000, 900)]);
    rates.add(1_000, idle, [worker('a', 400, 100), worker('c', 9_000, 10)]);

    expect(rates.now()).toMatchObject({ perWorkerPerSecond: 4_000 });
    for (let second = 2; second < 20; second++) {
      rates.add(second * 1_000, idle, [worker('a', 400, 100)]);
    }
    expect(rates.now()).toMatchObject({ perWorkerPerSecond: 4_000 });
  });

  it('tell how fast workers are as soon as one that has just come has worked', () => {
    const rates = new Rates();
    const none = { accepted: 0, committed: 0 };

    rates.add(0, none, []);
    rates.add(1_000, none, [worker('a', 0, 0)]);
    rates.add(2_000, none, [worker('a', 300, 100)]);

    expect(rates.now()).toMatchObject({ perWorkerPerSecond: 3_000 });
  });
});
