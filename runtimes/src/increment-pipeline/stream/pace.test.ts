import { describe, expect, test } from 'vitest';
import { Pace, type PaceLook } from './pace.ts';

const options = { waitMaxMs: 2_000, flushIntervalMs: 1_000 };

function look(over: Partial<PaceLook>): PaceLook {
  return { atMs: 0, accepted: 0, settled: 0, oldestAgeMs: 0, gateways: 1, ...over };
}

/** Workers that commit `perSecond` while gateways offer far more: what is waiting after each second. */
function backlogs(perSecond: number, { gateways, seconds }: { gateways: number; seconds: number }) {
  const paces = Array.from({ length: gateways }, () => new Pace(options));
  let [accepted, settled] = [0, 0];
  const waiting: number[] = [];
  for (let atMs = 0; atMs < seconds * 1_000; atMs += 50) {
    if (atMs % 1_000 === 0) {
      const oldestAgeMs = ((accepted - settled) / perSecond) * 1_000;
      for (const pace of paces) pace.looked({ atMs, accepted, settled, oldestAgeMs, gateways });
      waiting.push(accepted - settled);
    }
    for (const pace of paces) {
      for (let burst = 0; burst < 50 && pace.waitMs(atMs) === 0; burst++) {
        pace.added(1_000);
        accepted += 1_000;
      }
    }
    settled = Math.min(accepted, settled + perSecond / 20);
  }
  return { waiting: waiting.slice(-10), settled };
}

describe('the pace', () => {
  test('takes everything as long as nothing is known', () => {
    const pace = new Pace(options);
    pace.added(1e9);
    expect(pace.waitMs(0)).toBe(0);
  });

  test.each([20_000, 100_000, 400_000])(
    'lets no more wait than %i/s commit in time, and keeps them busy',
    (perSecond) => {
      for (const gateways of [1, 2]) {
        const { waiting, settled } = backlogs(perSecond, { gateways, seconds: 60 });
        for (const backlog of waiting) {
          expect(backlog).toBeLessThan(perSecond * 3);
          expect(backlog).toBeGreaterThan(perSecond * 0.5);
        }
        expect(settled).toBeGreaterThan(perSecond * 50);
      }
    },
  );

  test('learns within seconds that workers are slow', () => {
    const { waiting } = backlogs(2_000, { gateways: 2, seconds: 60 });
    for (const backlog of waiting) expect(backlog).toBeLessThan(2_000 * 4);
  });

  test('says how long to wait', () => {
    const pace = new Pace(options);
    pace.looked(look({ accepted: 60_000 }));
    expect(pace.waitMs(0)).toBe(1_000);
    expect(pace.waitMs(999)).toBe(1);
    expect(pace.waitMs(1_000)).toBe(0);
  });

  test('does not take an idle second for slow workers', () => {
    const pace = new Pace(options);
    pace.looked(look({ atMs: 0 }));
    pace.looked(look({ atMs: 1_000, accepted: 10, settled: 10, oldestAgeMs: 900 }));
    expect(pace.perSecond).toBe(20_000);
  });

  test('refuses nothing while Postgres is away', () => {
    const pace = new Pace(options);
    pace.looked(look({ accepted: 1e6 }));
    expect(pace.waitMs(0)).toBeGreaterThan(0);
    pace.lost();
    expect(pace.waitMs(0)).toBe(0);
  });

  test('gives each gateway its share of the room', () => {
    const pace = new Pace(options);
    pace.looked(look({ gateways: 4 }));
    pace.added(10_000);
    expect(pace.waitMs(0)).toBe(0);
    pace.added(1);
    expect(pace.waitMs(0)).toBeGreaterThan(0);
  });
});
