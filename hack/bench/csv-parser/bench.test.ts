import { describe, expect, it } from 'vitest';
import { encodeText } from '@millrace/runtimes/csv/encoding';
import { parsers } from './parsers.ts';
import { samples } from './samples.ts';

/** A comparison means something only if all do the same work. */
describe('the parsers that are compared', () => {
  it.each(samples)('find the same values in the file $name', ({ text }) => {
    for (const encoding of ['UTF-8', 'UTF-16LE'] as const) {
      const bytes = encodeText(text(200), encoding) ?? Buffer.alloc(0);
      const found = Object.entries(parsers).map(([name, parse]) => ({
        name,
        ...parse(bytes, encoding),
      }));
      const [first, ...strings] = found;
      const [{ size, records, values } = { size: 0, records: 0, values: 0 }] = strings;
      expect(size).toBeGreaterThan(1000);
      expect(found).toEqual(found.map((one) => ({ ...one, records, values })));
      expect(strings).toEqual(strings.map((one) => ({ ...one, size })));
      expect(first?.size).toBeGreaterThanOrEqual(size);
    }
  });
});
