import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeCursor, encodeCursor, queryBinding } from './cursor.ts';

const storable = fc
  .string({ unit: 'binary' })
  .filter((value) => !value.includes('\0') && value.isWellFormed());

describe('cursors', () => {
  it('give back the position they were made of', () => {
    fc.assert(
      fc.property(fc.array(storable, { maxLength: 8 }), (position) => {
        const cursor = encodeCursor('binding', position);

        expect(cursor).toMatch(/^[A-Za-z0-9_-]+$/);
        expect(decodeCursor(cursor, 'binding', position.length)).toEqual(position);
      }),
    );
  });

  it('are refused with another query, another number of values, and when they are anything else', () => {
    const cursor = encodeCursor('binding', ['1']);
    const json = (value: unknown): string =>
      `p${Buffer.from(JSON.stringify(value)).toString('base64url')}`;

    expect(() => decodeCursor(cursor, 'other', 1)).toThrow(/another query/);
    expect(() => decodeCursor(cursor, 'binding', 2)).toThrow(/not one/);
    expect(() => decodeCursor(json(['binding', 1]), 'binding', 1)).toThrow(/not one/);
    expect(() => decodeCursor(json(['binding', 'a\0']), 'binding', 1)).toThrow(/not one/);
    expect(() => decodeCursor(json({ length: 2 }), 'binding', 1)).toThrow(/not one/);
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(() => decodeCursor(text, 'binding', 1)).toThrow(/not one/);
      }),
    );
  });

  it('do not inflate beyond their bound', () => {
    const bomb = encodeCursor('binding', ['x'.repeat(5 * 1024 * 1024)]);

    expect(bomb.length).toBeLessThan(10_000);
    expect(() => decodeCursor(bomb, 'binding', 1)).toThrow(/not one/);
  });

  it('stay short for long values that compress', () => {
    expect(encodeCursor('binding', ['abc'.repeat(10_000)]).length).toBeLessThan(500);
  });

  it('are bound by the whole of the query', () => {
    expect(queryBinding(['t', [['a', 'b']]])).not.toBe(queryBinding(['t', [['a', 'c']]]));
    expect(queryBinding(['t', ['a', 'b']])).not.toBe(queryBinding(['t', ['ab']]));
  });
});
