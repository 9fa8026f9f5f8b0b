import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deathsMin, examine, type NextTrial, type RecordRange, type Trial } from './poison.ts';

type End = Trial['end'];

interface Ending {
  readonly poison: readonly number[];
  readonly next: NextTrial;
  readonly trials: readonly Trial[];
}

/** Tries until the chunk is loaded or given up; `judge` says how each trial ends. */
function search(
  records: number,
  judge: (range: RecordRange, poison: readonly number[], trials: readonly Trial[]) => End,
): Ending {
  const trials: Trial[] = [];
  for (;;) {
    const { poison, next } = examine(trials, records);
    if (next.step === 'GiveUp') return { poison, next, trials };
    const range = next.step === 'Load' ? { from: 0, to: records } : next;
    const end = judge(range, poison, trials);
    trials.push({ from: range.from, to: range.to, end });
    if (next.step === 'Load' && end === 'Passed') return { poison, next, trials };
  }
}

/** Records that kill whenever they are taken. */
function killers(...deadly: readonly number[]) {
  return ({ from, to }: RecordRange, poison: readonly number[]): End =>
    deadly.some((record) => from <= record && record < to && !poison.includes(record))
      ? 'Died'
      : 'Passed';
}

const someKillers = fc
  .integer({ min: 1, max: 300 })
  .chain((records) =>
    fc.tuple(
      fc.constant(records),
      fc.uniqueArray(fc.nat(records - 1), { maxLength: 5 }),
      fc.infiniteStream(fc.nat(99)),
    ),
  );

describe('the search for records that kill', () => {
  it.each([
    ['the first', 0],
    ['one in the middle', 500_001],
    ['the last', 999_999],
  ])('finds %s of a million in few trials', (_, record) => {
    const found = search(1_000_000, killers(record));

    expect(found.poison).toEqual([record]);
    expect(found.next.step).toBe('Load');
    expect(found.trials.length).toBeLessThan(50);
  });

  it('finds exactly the killers, also when trials are stopped in between', () => {
    fc.assert(
      fc.property(someKillers, ([records, deadly, chance]) => {
        const judge = killers(...deadly);
        const found = search(records, (range, poison) =>
          (chance.next().value ?? 0) < 20 ? 'Other' : judge(range, poison),
        );

        expect(found.poison).toEqual(deadly.toSorted((a, b) => a - b));
        expect(found.next.step).toBe('Load');
      }),
      { numRuns: 200 },
    );
  });

  it('believes no record to be deadly that did not die alone three times', () => {
    fc.assert(
      fc.property(someKillers, ([records, deadly, chance]) => {
        // One trial in ten dies of something else.
        const judge = killers(...deadly);
        const found = search(records, (range, poison) =>
          (chance.next().value ?? 0) < 10 ? 'Died' : judge(range, poison),
        );

        for (const record of found.poison) {
          const deaths = found.trials.filter(
            ({ from, to, end }) => from === record && to === record + 1 && end === 'Died',
          );
          expect(deaths.length).toBeGreaterThanOrEqual(deathsMin);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('rejects nothing while trials die that take no record', () => {
    const found = search(8, () => 'Died');

    expect(found.poison).toEqual([]);
    expect(found.next).toEqual({ step: 'GiveUp', why: 'TooManyTrials' });
  });

  it('rejects nothing however often trials are stopped from outside', () => {
    const found = search(8, () => 'Other');

    expect(found.poison).toEqual([]);
    expect(found.next).toEqual({ step: 'GiveUp', why: 'TooManyTrials' });
  });

  it('loads a chunk whole when what killed has gone', () => {
    const found = search(8, (_, __, trials) => (trials.length < 3 ? 'Died' : 'Passed'));

    expect(found).toMatchObject({ poison: [], next: { step: 'Load' } });
  });

  it('forgets deaths of a record that passes afterwards', () => {
    const one = (end: End): Trial => ({ from: 0, to: 1, end });
    const none: Trial = { from: 0, to: 0, end: 'Passed' };

    const found = examine([one('Died'), one('Died'), one('Passed'), one('Died'), none], 1);

    expect(found.poison).toEqual([]);
  });

  it('gives up when only several records together kill', () => {
    const found = search(8, ({ from, to }) => (to - from > 2 ? 'Died' : 'Passed'));

    expect(found.poison).toEqual([]);
    expect(found.next).toEqual({ step: 'GiveUp', why: 'KillsTogether' });
  });

  it('gives up on a chunk in which every record kills', () => {
    const found = search(100, killers(...Array.from({ length: 100 }, (_, record) => record)));

    expect(found.next.step).toBe('GiveUp');
  });
});
