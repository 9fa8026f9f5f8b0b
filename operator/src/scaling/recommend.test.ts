import { Compile } from 'typebox/compile';
import { recommendation, type Recommendation } from '@millrace/crds/scaling';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ScalingInputs } from './figures.ts';
import { targetUtilisation } from './need.ts';
import { lowerForMs, recommend, type RecommendInput } from './recommend.ts';

const start = Date.UTC(2026, 0, 2, 3, 4, 5);
const at = (ms: number) => new Date(start + ms).toISOString();

/** One worker does 1000 a second, 700 of them at the utilisation that is aimed at. */
const calm: ScalingInputs = {
  arrivalPerSecond: 2_000,
  perWorkerPerSecond: 1_000,
  backlog: 0,
  oldestAgeSeconds: 1,
  objectiveSeconds: 8,
  usefulMax: 8,
};

interface Given {
  readonly inputs?: ScalingInputs;
  readonly bounds?: { readonly min: number; readonly max: number };
  readonly present?: number;
  readonly previous?: Recommendation | undefined;
  readonly now?: number;
}

const said = ({ inputs, now = 0, ...given }: Given = {}) =>
  recommend({
    bounds: { min: 1, max: 8 },
    present: 3,
    ...given,
    inputs: { ...calm, ...inputs },
    now: start + now,
  });

/** What was said of three workers that were all needed. */
const three = said();

describe('the number of workers', () => {
  it('is what comes in and waits, by what workers do at the utilisation aimed at', () => {
    expect(said({ present: 1 })).toEqual({
      wanted: 3,
      raw: 2.9,
      why: '(2000/s in + 0 waiting within 30 s) / (1000/s a worker at 70 %) = 2.9',
      bounds: [],
      inputs: { ...calm, present: 1 },
    });
  });

  it('rises at once for a backlog', () => {
    const { wanted, why } = said({ inputs: { backlog: 63_456 }, previous: three });

    expect(wanted).toBe(6);
    expect(why).toBe('(2000/s in + 63000 waiting within 30 s) / (1000/s a worker at 70 %) = 5.9');
  });

  it('rises earlier, and further, where workers take long to start', () => {
    const backlog = 30_000;
    const aged = { backlog, oldestAgeSeconds: 3 };
    const soon = said({ inputs: { ...aged, startSeconds: 1 }, present: 1 });
    const late = said({ inputs: { ...aged, startSeconds: 3 }, present: 1 });

    expect(soon.why, 'not in danger before half of the objective').toBe(
      '(2000/s in + 30000 waiting within 29 s) / (1000/s a worker at 70 %) = 4.3',
    );
    expect(
      late.why,
      'in danger from 8 s - 2 × 3 s on, and half of what is left goes by until they have started',
    ).toBe(
      '(2000/s in + 30000 waiting within 2 s) / (1000/s a worker at 70 %) = 24; the objective is in danger',
    );
  });

  it('asks for no less when workers take longer to start', () => {
    const amount = fc.integer({ min: 0, max: 60 });
    fc.assert(
      fc.property(amount, amount, amount, (backlog, oldestAgeSeconds, startSeconds) => {
        const of = (seconds: number) =>
          said({
            inputs: { backlog: backlog * 1_000, oldestAgeSeconds, startSeconds: seconds },
            bounds: { min: 1, max: 64 },
          }).wanted;

        expect(of(startSeconds + 1)).toBeGreaterThanOrEqual(of(startSeconds));
      }),
    );
  });

  it('rises further when the objective is in danger, to work the backlog off before it is missed', () => {
    const backlog = 6_000;

    expect(said({ inputs: { backlog }, previous: three }).wanted).toBe(3);
    const { wanted, why } = said({ inputs: { backlog, oldestAgeSeconds: 4.1 }, previous: three });
    expect(wanted).toBe(5);
    expect(why).toContain('+ 6000 waiting within 4 s');
    expect(why).toContain('the objective is in danger');
  });

  it.each<[string, ScalingInputs]>([
    ['a little more', { arrivalPerSecond: 2_300 }],
    ['a little less', { arrivalPerSecond: 1_300 }],
  ])('stays for %s', (_what, inputs) => {
    expect(said({ inputs, previous: { ...three, lowerSince: at(-lowerForMs) } }).wanted).toBe(3);
  });

  it('rises for a little more when the objective is in danger', () => {
    const inputs = { arrivalPerSecond: 2_150, oldestAgeSeconds: 5 };

    expect(said({ inputs, previous: three }).wanted).toBe(4);
  });

  it('falls when fewer would have done for a minute, to what is needed then', () => {
    const few = { arrivalPerSecond: 100 };

    const first = said({ inputs: few, previous: three });
    expect(first).toMatchObject({ wanted: 3, lowerSince: at(0) });
    const later = said({ inputs: few, previous: first, now: lowerForMs - 1 });
    expect(later).toMatchObject({ wanted: 3, lowerSince: at(0) });
    const due = said({ inputs: { arrivalPerSecond: 900 }, previous: later, now: lowerForMs });
    expect(due.wanted).toBe(2);
    expect(due.lowerSince).toBeUndefined();
  });

  it('begins no minute for a worker that is within a tenth of being needed', () => {
    const previous = { ...three, wanted: 5 };
    const within = { arrivalPerSecond: 2_600 };

    expect(said({ inputs: within, previous })).toMatchObject({ wanted: 5, raw: 3.7 });
    expect(said({ inputs: within, previous }).lowerSince).toBeUndefined();
    // Begun, it goes on.
    const begun = { ...previous, lowerSince: at(-1_000) };
    expect(said({ inputs: within, previous: begun }).lowerSince).toBe(at(-1_000));
  });

  it.each<[string, ScalingInputs]>([
    ['they were needed in between', { arrivalPerSecond: 2_000 }],
    [
      'the objective was in danger in between',
      { arrivalPerSecond: 0, oldestAgeSeconds: 5, backlog: 1 },
    ],
    ['nothing was known in between', { arrivalPerSecond: undefined }],
  ])('begins the minute anew when %s', (_what, between) => {
    const few = { arrivalPerSecond: 100 };
    const first = said({ inputs: few, previous: three });
    const broken = said({ inputs: between, previous: first, now: 30_000 });

    const later = said({ inputs: few, previous: broken, now: lowerForMs });

    expect(broken.lowerSince).toBeUndefined();
    expect(later).toMatchObject({ wanted: 3, lowerSince: at(lowerForMs) });
  });

  it.each(['no time', at(60_000)])('begins the minute anew after %s', (lowerSince) => {
    const inputs = { arrivalPerSecond: 100 };

    expect(said({ inputs, previous: { ...three, lowerSince } }).lowerSince).toBe(at(0));
  });

  it('falls to the fewest when nothing comes in and nothing waits, whatever a worker does', () => {
    const idle = { arrivalPerSecond: 0, perWorkerPerSecond: undefined };
    const first = said({ inputs: idle, previous: three });

    expect(first).toMatchObject({ wanted: 3, lowerSince: at(0), raw: 0 });
    expect(said({ inputs: idle, previous: first, now: lowerForMs })).toMatchObject({
      wanted: 1,
      why: 'nothing comes in and nothing waits',
      bounds: ['at least 1 by workers.min'],
    });
  });
});

describe('without the figures', () => {
  it.each<[string, ScalingInputs, string]>([
    ['of arrival', { arrivalPerSecond: undefined }, 'what comes in or waits is not known: held'],
    ['of the backlog', { backlog: Number.NaN }, 'what comes in or waits is not known: held'],
    [
      'of a worker',
      { perWorkerPerSecond: undefined },
      'what one worker does in a second is not known: held',
    ],
    [
      'of a worker that did nothing',
      { perWorkerPerSecond: 0 },
      'what one worker does in a second is not known: held',
    ],
    ['that are none', { arrivalPerSecond: -1 }, 'what comes in or waits is not known: held'],
  ])('%s the number is held', (_which, inputs, why) => {
    const previous = { ...three, wanted: 5 };

    expect(said({ inputs, previous, present: 2 })).toMatchObject({ wanted: 5, why, bounds: [] });
    expect(said({ inputs, present: 4 })).toMatchObject({ wanted: 4, why });
  });

  it('one more than there are is wanted when the objective is in danger', () => {
    const inputs = { perWorkerPerSecond: undefined, oldestAgeSeconds: 5 };

    const more = said({ inputs, previous: three });

    expect(more.wanted).toBe(4);
    // Whether it helps is not known before it is there.
    expect(said({ inputs, previous: more, now: 10_000 })).toBe(more);
    expect(said({ inputs, previous: more, present: 4 }).wanted).toBe(5);
    expect(said({ inputs, present: 8 })).toMatchObject({
      wanted: 8,
      bounds: ['at most 8: more workers would have nothing to do'],
    });
  });

  it('the bounds still hold', () => {
    const inputs = { arrivalPerSecond: undefined };

    expect(said({ inputs, present: 0, bounds: { min: 2, max: 8 } })).toMatchObject({
      wanted: 2,
      bounds: ['at least 2 by workers.min'],
    });
    expect(said({ inputs, previous: three, bounds: { min: 1, max: 2 } }).wanted).toBe(2);
  });
});

describe('bounds', () => {
  it.each<[string, Given, number, string[]]>([
    [
      'by partitions',
      { inputs: { arrivalPerSecond: 9_000 }, bounds: { min: 1, max: 64 } },
      8,
      ['at most 8: more workers would have nothing to do'],
    ],
    [
      'by the most',
      { inputs: { arrivalPerSecond: 9_000 }, bounds: { min: 1, max: 4 } },
      4,
      ['at most 8: more workers would have nothing to do', 'at most 4 by workers.max'],
    ],
    [
      'by the fewest',
      { inputs: { arrivalPerSecond: 1 }, bounds: { min: 2, max: 8 }, present: 0 },
      2,
      ['at least 2 by workers.min'],
    ],
    [
      'by partitions, even the fewest',
      { inputs: { usefulMax: 2 }, bounds: { min: 4, max: 8 }, present: 0 },
      2,
      ['at most 2: more workers would have nothing to do'],
    ],
    ['by nothing that it did not pass', { inputs: { usefulMax: undefined } }, 3, []],
  ])('change the number %s, and say so', (_which, given, wanted, bounds) => {
    const first = said(given);

    expect(first).toMatchObject({ wanted, bounds });
    expect(said({ ...given, previous: first })).toBe(first);
  });

  it('do not explain a number that is on its way down', () => {
    const bounds = { min: 2, max: 8 };

    expect(said({ inputs: { arrivalPerSecond: 1 }, bounds, previous: three })).toMatchObject({
      wanted: 3,
      bounds: [],
    });
  });
});

describe('what is shown', () => {
  it('stays while the figures move by less than a fifth', () => {
    const inputs = {
      arrivalPerSecond: 2_150,
      perWorkerPerSecond: 1_100,
      backlog: 40,
      oldestAgeSeconds: 0.3,
    };

    expect(said({ inputs, previous: three, now: 5_000 })).toBe(three);
  });

  it.each<[string, Given]>([
    ['a figure has moved further', { inputs: { arrivalPerSecond: 1_500 } }],
    ['a worker has come', { present: 4 }],
    ['the objective has come into danger', { inputs: { oldestAgeSeconds: 5 } }],
    ['a figure has become unknown', { inputs: { backlog: undefined } }],
  ])('is new once %s', (_what, given) => {
    expect(said({ ...given, previous: three })).not.toEqual(three);
  });

  it('has two digits', () => {
    const inputs = { arrivalPerSecond: 1_987.6, perWorkerPerSecond: 1_234.5, backlog: 77.7 };

    expect(said({ inputs })).toMatchObject({
      raw: 2.3,
      inputs: { arrivalPerSecond: 2_000, perWorkerPerSecond: 1_200, backlog: 78 },
    });
  });
});

/** Of a real pipeline, and what is no figure at all. */
const figure = (max: number) =>
  fc.option(
    fc.oneof(
      { weight: 8, arbitrary: fc.integer({ min: 0, max: max * 10 }).map((tenths) => tenths / 10) },
      { weight: 1, arbitrary: fc.constantFrom(0, -1, Number.NaN, Infinity, 5e-324, 1e300) },
    ),
    { nil: undefined, freq: 12 },
  );
const someInputs = fc.record({
  arrivalPerSecond: figure(20_000),
  perWorkerPerSecond: figure(10_000),
  backlog: figure(1_000_000),
  oldestAgeSeconds: figure(200),
  objectiveSeconds: figure(200),
  usefulMax: fc.option(fc.integer({ min: 1, max: 64 }), { nil: undefined }),
});
const someBounds = fc
  .tuple(fc.integer({ min: 1, max: 64 }), fc.integer({ min: 1, max: 64 }))
  .map(([a, b]) => ({ min: Math.min(a, b), max: Math.max(a, b) }));
const somePrevious: fc.Arbitrary<Recommendation | undefined> = fc.option(
  fc.record(
    {
      wanted: fc.integer({ min: 0, max: 80 }),
      why: fc.constant('before'),
      bounds: fc.constant([]),
      inputs: fc.constant({}),
      lowerSince: fc.integer({ min: -2 * lowerForMs, max: lowerForMs }).map(at),
    },
    { requiredKeys: ['wanted', 'why', 'bounds', 'inputs'] },
  ),
  { nil: undefined },
);
const something: fc.Arbitrary<RecommendInput> = fc.record({
  inputs: someInputs,
  bounds: someBounds,
  present: fc.integer({ min: 0, max: 80 }),
  previous: somePrevious,
  now: fc.constant(start),
});
const isRecommendation = Compile(recommendation);

describe('whatever the figures', () => {
  const holds = (claim: (given: RecommendInput) => void) => {
    fc.assert(fc.property(something, claim), { numRuns: 500 });
  };

  it('the number is within its bounds, and what is said fits a status', () => {
    holds((given) => {
      const result = recommend(given);
      const { wanted } = result;

      const { usefulMax = Infinity } = given.inputs;
      expect(wanted).toBeLessThanOrEqual(Math.min(given.bounds.max, usefulMax));
      expect(wanted).toBeGreaterThanOrEqual(Math.min(given.bounds.min, usefulMax));
      expect([...isRecommendation.Errors(result)]).toEqual([]);
    });
  });

  it('the same is said again after it was said', () => {
    holds((given) => {
      const first = recommend(given);

      expect(recommend({ ...given, previous: first })).toEqual(first);
    });
  });

  it.each(['arrivalPerSecond', 'backlog', 'oldestAgeSeconds'] as const)(
    'more of %s never asks for fewer',
    (which) => {
      const more = fc.integer({ min: 0, max: 100_000 });
      const claim = (given: RecommendInput, plus: number) => {
        const less = given.inputs[which] ?? Number.NaN;
        fc.pre(less >= 0 && Number.isFinite(less + plus));
        const inputs = { ...given.inputs, [which]: less + plus };

        expect(recommend({ ...given, inputs }).wanted).toBeGreaterThanOrEqual(
          recommend(given).wanted,
        );
      };
      fc.assert(fc.property(something, more, claim), { numRuns: 500 });
    },
  );

  it('nobody goes before a minute has passed, nor while something is unknown or in danger', () => {
    holds((given) => {
      const { previous } = given;
      fc.pre(previous !== undefined);
      const { wanted, raw, inputs } = recommend(given);
      const held = Math.min(previous?.wanted ?? 0, given.bounds.max, inputs.usefulMax ?? Infinity);
      fc.pre(wanted < held);

      expect(Date.parse(previous?.lowerSince ?? '')).toBeLessThanOrEqual(start - lowerForMs);
      expect(raw).toBeDefined();
      const { oldestAgeSeconds: age = 0, objectiveSeconds: objective = Infinity } = given.inputs;
      if (raw !== 0 && objective >= 0)
        expect(age <= objective / 2 || !Number.isFinite(age)).toBe(true);
    });
  });

  it('a fall leaves enough for what comes in', () => {
    holds((given) => {
      const { arrivalPerSecond: arrival = 0, perWorkerPerSecond: each = 0 } = given.inputs;
      fc.pre(Number.isFinite(arrival) && arrival >= 0 && Number.isFinite(each) && each > 0);
      const { wanted, inputs } = recommend(given);
      fc.pre(given.previous !== undefined && wanted < given.previous.wanted);
      const most = Math.min(given.bounds.max, inputs.usefulMax ?? Infinity);

      expect(wanted).toBeGreaterThanOrEqual(
        Math.min(most, Math.ceil(arrival / (each * targetUtilisation))),
      );
    });
  });

  it('nobody comes back after a fall while the load is the same, however measurements wander', () => {
    const wandering = fc.array(fc.integer({ min: 91, max: 109 }), {
      minLength: 60,
      maxLength: 60,
    });
    const load = fc.record({
      arrivalPerSecond: fc.integer({ min: 0, max: 40_000 }),
      present: fc.integer({ min: 1, max: 64 }),
    });
    fc.assert(
      fc.property(load, wandering, ({ arrivalPerSecond, present }, factors) => {
        const wanted: number[] = [];
        let previous: Recommendation | undefined;
        for (const [turn, factor] of factors.entries()) {
          const inputs = {
            ...calm,
            usefulMax: 64,
            arrivalPerSecond: (arrivalPerSecond * factor) / 100,
          };
          const now = start + turn * 10_000;
          previous = recommend({ inputs, bounds: { min: 1, max: 64 }, present, previous, now });
          wanted.push(previous.wanted);
        }

        const firstFall = wanted.findIndex((count, turn) => count < (wanted[turn - 1] ?? 0));
        const after = firstFall < 0 ? [] : wanted.slice(firstFall);
        expect(after).toEqual(after.toSorted((a, b) => b - a));
      }),
      { numRuns: 200 },
    );
  });
});
