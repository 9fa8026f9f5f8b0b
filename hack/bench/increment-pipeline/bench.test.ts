import { describe, expect, it } from 'vitest';
import { quantile } from '../statistics.ts';
import { itemBytes, itemsOf, uuidText } from './items.ts';
import { keyAt, valueAt } from './keys.ts';
import { count, noCounts } from './load-counts.ts';
import { parseOptions } from './options.ts';
import { ageMs } from './probes.ts';
import { batchRequests, singleRequests } from './requests.ts';

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

describe('the keys of a load', () => {
  it('differ from each other and from those of another seed, and come again', () => {
    const keys = (seed: number): string[] =>
      Array.from({ length: 10_000 }, (_, index) => keyAt({ seed, many: 10_000 }, index));
    const all = [...keys(1), ...keys(2)];

    expect(new Set(all).size).toBe(20_000);
    expect(all.every((key) => uuid.test(key))).toBe(true);
    expect(keys(1)).toEqual(all.slice(0, 10_000));
  });
});

describe('the requests of a load', () => {
  const keys = { seed: 3, many: 7 };

  it('say how long they are, and what is to be counted', () => {
    const [head, body] = (singleRequests(keys)[4]?.toString() ?? '').split('\r\n\r\n');

    expect(head).toContain('POST /increment HTTP/1.1');
    expect(head).toContain(`content-length: ${String(body?.length)}`);
    expect(JSON.parse(body ?? '')).toEqual({ key: keyAt(keys, 4), value: valueAt(4) });
  });

  it('are batches that go on with the keys where the last one ended', () => {
    const batches = batchRequests({ keys, batches: 2, items: 5, format: 'ndjson' });
    const lines = batches.flatMap(({ bytes }) =>
      (bytes.toString().split('\r\n\r\n')[1] ?? '').trimEnd().split('\n'),
    );

    expect(batches.map(({ indexes }) => [...indexes])).toEqual([
      [0, 1, 2, 3, 4],
      [5, 6, 0, 1, 2],
    ]);
    expect(lines.map((line) => (JSON.parse(line) as { key: string }).key)).toEqual(
      [0, 1, 2, 3, 4, 5, 6, 0, 1, 2].map((index) => keyAt(keys, index)),
    );
  });
});

describe('the counts of a load', () => {
  it('keep apart what was accepted, what was refused and what nobody knows', () => {
    const counts = noCounts(3);
    count(counts, [0, 0], 'Accepted');
    count(counts, [1], 'Refused');
    count(counts, [2, 2], 'Unanswered');

    expect([...counts.accepted]).toEqual([2, 0, 0]);
    expect([...counts.unknown]).toEqual([0, 0, 2]);
  });
});

describe('items', () => {
  it('are the bytes of key and value', () => {
    const keys = { seed: 1, many: 9 };
    const items = itemsOf(keys, [8, 3]);

    expect(items).toHaveLength(2 * itemBytes);
    expect(uuidText(items, itemBytes)).toBe(keyAt(keys, 3));
    expect(items.readBigInt64BE(16)).toBe(BigInt(valueAt(8)));
  });
});

describe('the age of a probe', () => {
  const window = { fromMs: 100, toMs: 200 };

  it('is the time from its sending to its sight', () => {
    expect(ageMs({ sentMs: 10, seenMs: 40 }, undefined)).toBe(30);
    expect(ageMs({ sentMs: 10, seenMs: 40 }, window)).toBe(30);
    expect(ageMs({ sentMs: 10 }, undefined)).toBe(Number.POSITIVE_INFINITY);
  });

  it('leaves out the time in which nothing could be written', () => {
    expect(ageMs({ sentMs: 90, seenMs: 240 }, window)).toBe(50);
    expect(ageMs({ sentMs: 150, seenMs: 240 }, window)).toBe(40);
    expect(ageMs({ sentMs: 210, seenMs: 240 }, window)).toBe(30);
  });
});

describe('a quantile', () => {
  it('is the least value that so large a share does not exceed', () => {
    const ascending = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

    expect(quantile(ascending, 0.5)).toBe(5);
    expect(quantile(ascending, 0.91)).toBe(10);
    expect(quantile(ascending, 1)).toBe(10);
    expect(quantile([], 0.5)).toBeNaN();
  });
});

describe('the command line', () => {
  it('names what it knows when asked for something else, and runs once when it must be quick', () => {
    expect(parseOptions(['--only', 'cpu,flush'])).toMatchObject({
      ok: true,
      options: { only: ['cpu', 'flush'], runs: 5, quick: false },
    });
    expect(parseOptions(['--quick', '--runs', '9'])).toMatchObject({ options: { runs: 1 } });
    expect(parseOptions(['--only', 'speed'])).toEqual({ ok: false, exitCode: 2 });
  });
});
