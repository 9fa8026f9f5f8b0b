import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { itemBytes } from './entry.ts';
import { Group } from './group.ts';
import { partitionOf } from './partition-of.ts';

function contents(group: Group): readonly (readonly Buffer[])[] {
  return group.entries.map((entries) => entries.map(({ bytes, used }) => bytes.subarray(0, used)));
}

describe('a group', () => {
  it('keeps every item whole, in the partition of its key, in order', () => {
    const group = new Group(4);
    const items = randomBytes(5_000 * itemBytes);
    void group.add(items.subarray(0, itemBytes));
    void group.add(items.subarray(itemBytes));

    const expected: Buffer[][] = [[], [], [], []];
    for (let at = 0; at < items.length; at += itemBytes) {
      expected[partitionOf(items, at, 4)]?.push(items.subarray(at, at + itemBytes));
    }
    expect(contents(group).map((entries) => Buffer.concat(entries))).toEqual(
      expected.map((each) => Buffer.concat(each)),
    );
    expect([group.requests, group.increments, group.bytes]).toEqual([2, 5_000, items.length]);
  });

  it('begins another entry where one would grow too large for its readers', () => {
    const group = new Group(1);

    void group.add(randomBytes(25_000 * itemBytes));

    const sizes = contents(group)[0]?.map(({ length }) => length) ?? [];
    expect(sizes).toHaveLength(3);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(256 * 1024);
    expect(sizes.every((size) => size % itemBytes === 0)).toBe(true);
  });

  it('names for each append the entry that its first item is in', async () => {
    const group = new Group(3);
    const items = Array.from({ length: 30 }, () => randomBytes(2 * itemBytes));
    const names = items.map((each) => group.add(each));

    group.settle(['a', 'b', 'c']);

    const expected = items.map((each) => ['a', 'b', 'c'][partitionOf(each, 0, 3)]);
    expect(await Promise.all(names)).toEqual(expected);
  });

  it('fails as a whole', async () => {
    const group = new Group(2);
    const names = Array.from({ length: 10 }, () => group.add(randomBytes(itemBytes)));

    group.fail(new Error('gone'));

    const results = await Promise.allSettled(names);
    expect(results.every(({ status }) => status === 'rejected')).toBe(true);
  });
});
