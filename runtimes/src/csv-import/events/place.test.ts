import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodePlace, encodePlace, type Place, type Progress } from './place.ts';

const tag = 'k3J9aQ-_k3J9aQ-_';
const numbers = fc.bigInt({ min: 0n, max: 2n ** 63n }).map(String);
const snapshots = fc
  .tuple(numbers, numbers, fc.array(numbers, { maxLength: 6 }))
  .map(([from, to, open]) => `${from}:${to}:${open.join(',')}`);
const chunkPlaces = fc.record({
  at: fc.nat().map(String),
  chunk: fc.nat({ max: 999_999_999 }),
  position: fc.option(fc.nat().map(String), { nil: undefined }),
});
const places: fc.Arbitrary<Place> = fc.oneof(
  fc.record({
    phase: fc.constant('snapshot' as const),
    base: snapshots,
    after: fc.option(
      fc.array(
        fc.string({ unit: 'binary' }).filter((text) => !text.includes('\0')),
        { maxLength: 8 },
      ),
      { nil: undefined },
    ),
  }),
  fc.record({
    phase: fc.constant('chunks' as const),
    base: snapshots,
    group: fc.option(
      fc.record({ to: snapshots, chunk: fc.option(chunkPlaces, { nil: undefined }) }),
      { nil: undefined },
    ),
  }),
  fc.constant({ phase: 'end' as const }),
);

describe('ids of events', () => {
  it('name every place of a stream, in what fits a header', () => {
    fc.assert(
      fc.property(places, fc.nat(), (place, sent) => {
        const id = encodePlace(tag, { place, sent });

        expect(decodePlace(tag, id)).toEqual({ place, sent });
        expect(id).toMatch(/^[A-Za-z0-9_.:,-]+$/);
      }),
      { numRuns: 300 },
    );
  });

  it('are short, also for long keys and many open transactions', () => {
    const open = Array.from({ length: 2_000 }, (_, at) => String(9_000_000_000 + at)).join(',');
    const base = `9000000000:9000003000:${open}`;
    const after = ['k'.repeat(2_700)];
    const id = encodePlace(tag, { place: { phase: 'snapshot', base, after }, sent: 5 });

    expect(id.length).toBeLessThan(1_024);
    // Shows less than it did, so that rows are repeated rather than lost.
    expect(decodePlace(tag, id)).toEqual({
      place: { phase: 'snapshot', base: '9000000000:9000000000:', after },
      sent: 5,
    });
  });

  it.each(['', 'x', 's', 'z.AAAA', `s.other.1.1:2:.`, `s.${tag}.-1.1:2:.`, `s.${tag}.1.1:2.`])(
    'are no place when they are %j',
    (id) => {
      expect(decodePlace(tag, id)).toBeUndefined();
    },
  );

  it('are no place when they are anything else', () => {
    const parts = fc.array(fc.oneof(fc.string(), snapshots, numbers), { maxLength: 6 });
    fc.assert(
      fc.property(fc.constantFrom('s', 'c', 'e', 'q'), parts, (phase, rest) => {
        const found: Progress | undefined = decodePlace(tag, [phase, tag, '1', ...rest].join('.'));

        if (found !== undefined) expect(JSON.stringify(found)).not.toMatch(/null|NaN/);
      }),
    );
  });
});
