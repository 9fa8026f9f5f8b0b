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
      for (const kind of ['bytes', 'strings']) {
        const [first, ...others] = found.filter(({ name }) => name.endsWith(kind));
        expect(first?.size).toBeGreaterThan(1000);
        expect(others).toEqual(others.map(({ name }) => ({ ...first, name })));
      }
      expect(new Set(found.map(({ values }) => values)).size).toBe(1);
    }
  });
});
