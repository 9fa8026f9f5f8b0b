import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { published, type Publication } from './published.ts';

const base: Publication = {
  driver: 'HPA',
  workers: 3,
  present: 2,
  hasTolerance: true,
  why: 'much comes in',
  isGuess: false,
  previous: undefined,
  now: '2030-01-01T00:00:00.000Z',
};

/** As the HPA of Kubernetes rounds and tolerates, for a target of one a worker. */
function followed(needed: string, present: number, tolerance: number): number {
  const milli = Number.parseInt(needed, 10);
  const ratio = milli / (1_000 * present);
  return ratio >= 1 - tolerance && ratio <= 1 + tolerance ? present : Math.ceil(milli / 1_000);
}

describe('what autoscalers are told', () => {
  it('is whole workers, and stays as it was told while the number does', () => {
    const first = published(base);
    const again = published({ ...base, previous: first, why: 'more comes in', now: 'later' });

    expect(first).toEqual({ driver: 'HPA', needed: '3000m', at: base.now, why: 'much comes in' });
    expect(again).toBe(first);
  });

  it('is told anew with another number or another driver', () => {
    const previous = published(base);

    expect(published({ ...base, previous, workers: 4, now: 'later' })).toMatchObject({
      needed: '4000m',
      at: 'later',
    });
    expect(published({ ...base, previous, driver: 'KEDA', now: 'later' }).at).toBe('later');
  });

  it('is not taken back by who only sees that it has not come about yet', () => {
    const previous = published({ ...base, workers: 8 });
    const guess = { ...base, previous, workers: 2, isGuess: true };

    expect(published(guess)).toBe(previous);
    expect(published({ ...guess, driver: 'Direct' }).needed).toBe('2000m');
    expect(published({ ...guess, workers: 0 }).needed, 'a stop is no guess').toBe('0m');
  });

  it('says why there are none, though there were none before', () => {
    const previous = published({ ...base, workers: 0, why: 'nothing was heard' });
    const ended = published({ ...base, workers: 0, why: 'it has ended', previous, now: 'later' });

    expect(ended).toEqual({ ...previous, why: 'it has ended' });
  });

  it('leads an autoscaler with a tolerance of its own to as many, or a tenth more', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 64 }),
        fc.integer({ min: 1, max: 64 }),
        (workers, at) => {
          const told = (present: number) =>
            published({ ...base, workers, present, hasTolerance: false }).needed;
          const first = followed(told(at), at, 0.1);
          const second = followed(told(first), first, 0.1);

          expect(first, 'never too few').toBeGreaterThanOrEqual(workers);
          expect(second, 'and rests there').toBe(first);
          expect(first).toBeLessThanOrEqual(Math.max(Math.ceil(workers * 1.12), workers + 1));
        },
      ),
    );
  });

  it('leads an autoscaler without one to exactly as many', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 64 }),
        fc.integer({ min: 1, max: 64 }),
        (workers, at) => {
          const { needed } = published({ ...base, workers, present: at });

          expect(followed(needed, at, 0)).toBe(workers);
        },
      ),
    );
  });
});
