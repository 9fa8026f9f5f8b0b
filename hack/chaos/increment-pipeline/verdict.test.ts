import { describe, expect, test } from 'vitest';
import { figuresOf, type Sample } from './staleness.ts';
import { problems, tameness, type Evidence, type GroupEvidence } from './verdict.ts';

const requests = { Accepted: 3, Unanswered: 1, Refused: 2 };
const plain: GroupEvidence = {
  name: 'plain',
  isRetrying: false,
  keys: [
    { key: 'a', accepted: 100n, unanswered: 7n },
    { key: 'b', accepted: 50n, unanswered: 0n },
  ],
  totals: { requests, increments: { Accepted: 30, Unanswered: 2, Refused: 9 } },
  reasons: new Map([['200', 3]]),
};
const repeating: GroupEvidence = {
  name: 'repeating',
  isRetrying: true,
  keys: [{ key: 'c', accepted: 9n, unanswered: 0n }],
  totals: {
    requests: { Accepted: 3, Unanswered: 0, Refused: 0 },
    increments: { Accepted: 10, Unanswered: 0, Refused: 0 },
  },
  reasons: new Map([
    ['503 NotConnected', 1],
    ['429 TooManyRequests', 1],
    ['ECONNRESET', 1],
  ]),
};
const good: Evidence = {
  groups: [plain, repeating],
  stored: new Map([
    ['a', 104n],
    ['b', 50n],
    ['c', 9n],
  ]),
  ledger: {
    accepted: 44n,
    committed: 41n,
    duplicates: 3n,
    deadLetters: 0n,
    lost: 0n,
    incarnations: 0,
  },
  backlog: 0,
  staleness: figuresOf([{ atSeconds: 1, stalenessMs: 1_000, isExcused: false }], []),
};

function stored(key: string, value: bigint | undefined): Evidence {
  const changed = new Map(good.stored);
  if (value === undefined) changed.delete(key);
  else changed.set(key, value);
  return { ...good, stored: changed };
}

function ledger(changes: Partial<Evidence['ledger']>): Evidence {
  return { ...good, ledger: { ...good.ledger, ...changes } };
}

describe('the verdict', () => {
  test('finds nothing wrong with what is right, from nothing to all of the unanswered', () => {
    expect(problems(good)).toEqual([]);
    expect(problems(stored('a', 100n))).toEqual([]);
    expect(problems(stored('a', 107n))).toEqual([]);
  });

  test.each([
    ['a lost increment', stored('a', 99n), /^LOST 1: plain: key a has 99 stored/],
    ['a key that is not there', stored('b', undefined), /^LOST 50: plain: key b/],
    ['a doubled increment', stored('a', 108n), /^DOUBLED 1: plain: key a/],
    ['a refused increment that was stored', stored('b', 51n), /^DOUBLED 1: plain: key b/],
    ['one too few of a client that repeats', stored('c', 8n), /^LOST 1: repeating: key c/],
    ['one too many of a client that repeats', stored('c', 10n), /^DOUBLED 1: repeating: key c/],
    ['a key that nobody sent', stored('z', 1n), /key z is stored, and nobody sent it/],
    [
      'a ledger that does not add up',
      ledger({ duplicates: 2n }),
      /accepted 44, and accounts for 43/,
    ],
    ['a ledger that says it lost some', ledger({ lost: 1n, accepted: 45n }), /that 1 were lost/],
    ['dead letters', ledger({ deadLetters: 1n, accepted: 45n }), /1 became dead letters/],
    [
      'a commit of more than was sent',
      ledger({ committed: 43n, accepted: 46n }),
      /43 increments are committed; 40 were accepted, 42/,
    ],
    ['a commit of less', ledger({ committed: 39n, accepted: 42n }), /39 increments are committed/],
    ['a stream that never runs dry', { ...good, backlog: 3 }, /3 entries or more were never/],
  ])('catches %s', (_what, evidence, message) => {
    const found = problems(evidence);

    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(message);
  });

  test('catches answers that no good request should get', () => {
    const reasons = new Map([
      ['409 RequestMismatch', 1],
      ['500 Internal', 2],
      ['400 BadRequest', 3],
      ['429 TooManyRequests', 4],
    ]);

    const found = problems({ ...good, groups: [plain, { ...repeating, reasons }] });

    expect(found).toHaveLength(3);
    expect(found[0]).toBe('repeating: 1 requests were answered 409 RequestMismatch');
  });

  test('catches a repeated request that nobody ever answered', () => {
    const totals = { ...repeating.totals, requests };

    const found = problems({ ...good, groups: [plain, { ...repeating, totals }] });

    expect(found).toEqual(['repeating: 1 repeated requests were never answered with 200']);
  });

  test('gives a few examples of a mistake that is everywhere, and their number', () => {
    const keys = Array.from({ length: 40 }, (_, index) => ({
      key: String(index),
      accepted: 1n,
      unanswered: 0n,
    }));

    const found = problems({ ...good, groups: [{ ...plain, keys }, repeating], stored: new Map() });

    expect(found.filter((one) => one.startsWith('LOST'))).toHaveLength(6);
    expect(found).toContain('plain: keys whose sum is wrong: 40 in all');
  });

  test('takes a run that was too tame for no proof', () => {
    expect(tameness(good, 5, { increments: 40, hits: 5 })).toEqual([]);
    expect(tameness(good, 4, { increments: 41, hits: 5 })).toEqual([
      'only 40 of 41 increments were accepted',
      'only 4 strikes hit work',
    ]);
  });
});

describe('staleness', () => {
  const sample = (stalenessMs: number, isExcused = false): Sample => ({
    atSeconds: 3,
    stalenessMs,
    isExcused,
  });

  test('is judged over the samples without an excuse', () => {
    const figures = figuresOf([...[3, 1, 2].map((ms) => sample(ms)), sample(99_000, true)], []);

    expect(figures).toMatchObject({ samples: 4, excused: 1, p50Ms: 2, worst: { stalenessMs: 3 } });
    expect(problems({ ...good, staleness: figures })).toEqual([]);
  });

  test('is told for each outage: when sums were fresh again, unless the next came first', () => {
    const at = (atSeconds: number, stalenessMs: number) => ({
      atSeconds,
      stalenessMs,
      isExcused: true,
    });
    const samples = [at(0, 0), at(9, 9_000), at(11, 2_900), at(15, 9_000), at(31, 100)];
    const window = (fromSeconds: number, toSeconds: number) => ({
      fromSeconds,
      toSeconds,
      why: 'postgres' as const,
    });

    const { windows } = figuresOf(samples, [window(1, 8), window(12, 14), window(20, 30)]);

    expect(windows.map(({ freshAfterSeconds }) => freshAfterSeconds)).toEqual([3, undefined, 1]);
  });

  test('over ten seconds is a violation', () => {
    const found = problems({ ...good, staleness: figuresOf([sample(10_001)], []) });

    expect(found).toEqual(['staleness was 10.0 s at 3.0 s while both servers could be reached']);
  });
});
