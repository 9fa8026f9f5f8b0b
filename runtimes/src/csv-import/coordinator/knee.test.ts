import { describe, expect, it } from 'vitest';
import { Knee } from './knee.ts';

/** Looked at every two seconds. */
function seen(knee: Knee, from: number, looks: readonly (readonly [number, number])[]): void {
  for (const [index, [workers, shares]] of looks.entries()) {
    knee.see({ workers, shares }, from + index * 2_000);
  }
}

const times = (count: number, look: readonly [number, number]): (readonly [number, number])[] =>
  Array.from({ length: count }, () => look);

describe('the knee of a server', () => {
  it('is unknown while all workers work all the time, and while one is alone', () => {
    const knee = new Knee();

    seen(knee, 0, [...times(40, [8, 8]), ...times(40, [1, 0.1])]);

    expect(knee.most).toBeUndefined();
  });

  it('is what the shares of all come to, once they have for a while', () => {
    const knee = new Knee();

    seen(knee, 0, times(7, [8, 2.4]));
    expect(knee.most).toBeUndefined();
    seen(knee, 14_000, times(2, [8, 2.4]));

    expect(knee.most).toBe(3);
  });

  it('is not found in a moment, however bad', () => {
    const knee = new Knee();

    seen(knee, 0, [...times(5, [8, 1]), [8, 7], ...times(5, [8, 1])]);

    expect(knee.most).toBeUndefined();
  });

  it('falls on while shares still fall, and rises by one a minute when they are whole', () => {
    const knee = new Knee();
    seen(knee, 0, times(9, [8, 2.4]));
    seen(knee, 20_000, times(9, [3, 1.5]));
    expect(knee.most).toBe(2);

    seen(knee, 40_000, times(31, [2, 2]));
    expect(knee.most).toBe(3);
    seen(knee, 102_000, times(31, [3, 3]));

    expect(knee.most).toBe(4);
  });
});
