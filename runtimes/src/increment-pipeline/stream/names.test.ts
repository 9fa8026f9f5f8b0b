import { describe, expect, it } from 'vitest';
import { compareEntryIds, entryIdAfter, entryTimeMs } from './entry-id.ts';
import { acceptedKey, entryName, parseEntryName, requestsKey, streamKey } from './names.ts';

describe('names', () => {
  it('put all keys of a pipeline into one slot of a cluster', () => {
    const place = { uid: 'u-1', partition: 3, incarnation: 2 };

    expect(streamKey(place)).toBe('millrace:{u-1}:3:2');
    for (const key of [streamKey(place), acceptedKey('u-1'), requestsKey('u-1')]) {
      expect(/\{(.*?)\}/.exec(key)?.[1]).toBe('u-1');
    }
  });

  it('of entries are read back, and others are not', () => {
    const place = { partition: 63, incarnation: 12 };

    expect(parseEntryName(entryName(place, '1700000000000-7'))).toEqual({
      ...place,
      id: '1700000000000-7',
    });
    for (const name of ['', '1-1-1', 'x-1-1-1', '1-1-1-1-1', '1-1-1-1 ', '9999-1-1-1']) {
      expect(parseEntryName(name)).toBeUndefined();
    }
  });
});

describe('ids of entries', () => {
  it('are compared as numbers, not as text', () => {
    const ids = ['0-0', '9-10', '10-2', '10-10', '1700000000000-0', '1700000000000-1'];

    expect(ids.toReversed().toSorted(compareEntryIds)).toEqual(ids);
    expect(compareEntryIds('5-5', '5-5')).toBe(0);
  });

  it('have a successor, and a time', () => {
    expect(entryIdAfter('5-5')).toBe('5-6');
    expect(entryIdAfter('5-18446744073709551615')).toBe('6-0');
    expect(entryTimeMs('1700000000000-7')).toBe(1_700_000_000_000);
  });
});
