import { describe, expect, it } from 'vitest';
import { Deck } from './deck.ts';
import { linkNames } from './links.ts';
import { fits, moments, targets } from './moments.ts';
import { Random } from '../../load/random.ts';

const variant = {
  onConflict: 'LatestWins',
  cache: 'Invalidate',
  source: 'S3',
  isProxied: false,
  isDeadly: false,
} as const;

function dealt(deck: Deck, times: number): string[] {
  return Array.from({ length: times }, () => deck.deal('work', variant)).map(
    (moment) => `${moment?.target ?? ''} ${moment?.name ?? ''}`,
  );
}

describe('the deck', () => {
  it('deals every moment of a phase before one comes again', () => {
    const all = moments.filter((one) => one.phase === 'work' && fits(one, variant)).length;

    const names = dealt(new Deck(targets, new Random(1)), all);

    expect(new Set(names).size).toBe(all);
  });

  it('deals the same for the same seed and something else for another', () => {
    const first = dealt(new Deck(targets, new Random(7)), 8);

    expect(dealt(new Deck(targets, new Random(7)), 8)).toEqual(first);
    expect(dealt(new Deck(targets, new Random(8)), 8)).not.toEqual(first);
  });

  it('deals only chosen victims, from another phase where they have no moment', () => {
    const deck = new Deck(['worker'], new Random(1));

    const moment = deck.deal('start', variant);

    expect(moment).toMatchObject({ target: 'worker', phase: 'work' });
  });

  it('does not kill a Redis that an import does not use', () => {
    const deck = new Deck(['redis'], new Random(1));

    expect(deck.deal('work', { ...variant, cache: 'Off' })).toBeUndefined();
    expect(deck.deal('work', variant)).toMatchObject({ target: 'redis' });
  });
});

describe('moments', () => {
  it('of a store are only for what is read from it', () => {
    const deck = new Deck(['s3'], new Random(1));

    expect(deck.deal('work', { ...variant, source: 'Volume' })).toBeUndefined();
    expect(deck.deal('work', variant)).toMatchObject({ target: 's3' });
  });

  it('of workers and queues are not for a stream, which its coordinator loads', () => {
    const met = moments.filter((one) =>
      [true, false].some((isProxied) => fits(one, { ...variant, source: 'Gzip', isProxied })),
    );

    expect(met.map(({ target }) => target)).toEqual(
      expect.arrayContaining(['coordinator', 'postgres', 'redis', 's3', 'network', 'disk']),
    );
    expect(met.filter(({ target, link = '' }) => `${target} ${link}`.includes('worker'))).toEqual(
      [],
    );
    expect(met.filter(({ asksQueue }) => asksQueue === true)).toEqual([]);
  });

  it('cut every link both ways where there are proxies, and no link where there are none', () => {
    const cut = (isProxied: boolean): string[] =>
      moments
        .filter((one) => one.link !== undefined && fits(one, { ...variant, isProxied }))
        .map(({ link, how }) => `${link ?? ''} ${how}`);

    expect(cut(false)).toEqual([]);
    const wanted = linkNames.flatMap((link) => [`${link} Reset`, `${link} BlackHole`]);
    expect(new Set(cut(true))).toEqual(new Set(wanted));
  });

  it('strike no worker by its port where a proxy hides it', () => {
    const deck = new Deck(['worker'], new Random(1));

    expect(deck.deal('work', { ...variant, isProxied: true })).toBeUndefined();
  });
});

describe('random numbers', () => {
  it('repeat for a seed, round by round', () => {
    const draw = (round: number): number[] => {
      const random = new Random(3).forRound(round);
      return Array.from({ length: 5 }, () => random.next());
    };

    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
  });

  it('shuffle without losing anything', () => {
    const items = Array.from({ length: 50 }, (_, index) => index);

    const shuffled = new Random(5).shuffled(items);

    expect(shuffled).not.toEqual(items);
    expect(shuffled.toSorted((a, b) => a - b)).toEqual(items);
  });
});
