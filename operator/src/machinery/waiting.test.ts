import { describe, expect, it } from 'vitest';
import { waiting } from './waiting.ts';

const at = (minute: number) => `2030-01-01T00:0${minute}:00.000Z`;

describe('what is waited for', () => {
  it('is dated by when the wait began, for as long as it lasts', () => {
    const wait = { what: 'Secret a', object: 'Secret/a', retrySeconds: 9.5 };
    const first = waiting([wait], { previous: undefined, now: at(1) });
    const other = { what: 'Secret a', object: 'Secret/b' };

    expect(first).toEqual([
      { what: 'Secret a', object: 'Secret/a', since: at(1), retrySeconds: 10 },
    ]);
    expect(waiting([{ ...wait, retrySeconds: 3 }], { previous: first, now: at(2) })).toEqual(first);
    expect(waiting([other], { previous: first, now: at(2) })).toEqual([{ ...other, since: at(2) }]);
    expect(waiting([], { previous: first, now: at(2) })).toEqual([]);
  });

  it('is dated by whoever knows better', () => {
    const wait = { what: 'postgres to answer', since: at(0) };

    expect(waiting([wait], { previous: undefined, now: at(1) })).toEqual([wait]);
  });

  it('is told once each, most pressing first, within the bounds of the schema', () => {
    const waits = ['a', 'b', 'a', 'x'.repeat(600), 'c', 'd', 'e', 'f', 'g', 'h'].map((what) => ({
      what,
    }));

    const told = waiting(waits, { previous: undefined, now: at(1) });

    expect(told.map(({ what }) => what.length)).toEqual([1, 1, 512, 1, 1, 1, 1, 1]);
    expect(told.map(({ what }) => what[0])).toEqual(['a', 'b', 'x', 'c', 'd', 'e', 'f', 'g']);
  });
});
