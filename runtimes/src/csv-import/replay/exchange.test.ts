import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { standardDialect, type Dialect } from '../../csv/dialect.ts';
import { encodeRecord } from '../../csv/encode.ts';
import {
  exchangeHeader,
  exchangeRecord,
  fieldsOf,
  isUntouched,
  parseRepaired,
  withoutPadding,
} from './exchange.ts';

const header = exchangeHeader(['id', 'name'], 2);

function rejectOf(raw: Buffer, offset = 7) {
  const place = { offset, chunk: 0, line: 2, reason: 'Ragged', column: undefined };
  return { ...place, raw, isTruncated: false };
}

describe('the file in which rejects are repaired', () => {
  it('holds the fields of a record in any dialect, and gives them back as they were', () => {
    const dialects: readonly Dialect[] = [
      standardDialect,
      { ...standardDialect, delimiter: 0x3b, quote: 0x27, escape: 'Backslash' },
      { ...standardDialect, delimiter: 0x09, encoding: 'UTF-16LE' },
    ];
    const text = fc.string({ unit: fc.constantFrom('a', '"', "'", ',', ';', '\\', 'é', ' x') });
    fc.assert(
      fc.property(
        fc.array(text, { minLength: 2, maxLength: 4 }),
        fc.constantFrom(...dialects),
        (fields, dialect) => {
          const raw = encodeRecord(fields, dialect);
          const end = dialect.encoding === 'UTF-16LE' ? -2 : -1;
          const file = Buffer.concat([
            header,
            exchangeRecord(rejectOf(raw.subarray(0, end)), dialect),
          ]);

          expect(parseRepaired(file)).toEqual([{ offset: 7, fields }]);
        },
      ),
    );
  });

  it('shows records that cannot be split, by their delimiters', () => {
    expect(fieldsOf(Buffer.from('1,"open'), standardDialect)).toHaveLength(2);
    expect(fieldsOf(Buffer.from([0x31, 0x2c, 0xff]), standardDialect)).toHaveLength(2);
  });

  it.each([
    ['another delimiter and a mark', '\ufeff_millrace_offset;l;r;c;id;name\r\n7;2;Ragged;;1;b\r\n'],
    ['every cell quoted', '"_millrace_offset","l","r","c","id"\n"7","2","Ragged","","1","b"\n'],
    ['tabs', '_millrace_offset\tl\tr\tc\tid\tname\n7\t2\tRagged\t\t1\tb\n'],
  ])('is read as spreadsheets save it: %s', (_, text) => {
    expect(parseRepaired(Buffer.from(text))).toEqual([{ offset: 7, fields: ['1', 'b'] }]);
  });

  it.each([
    ['id,name\n1,a\n', 'must begin with the line'],
    [`${header.toString()}x,2,Ragged,,1,a\n`, 'line 2 does not begin with the offset'],
    [`${header.toString()}7,2,R,,1,a\n7,2,R,,1,b\n`, 'line 3 repeats an offset'],
    [`${header.toString()}7,2,R,,"1\n`, 'line 2 cannot be read (UnclosedQuote)'],
  ])('is refused when it is none, naming the line: %j', (text, message) => {
    expect(() => parseRepaired(Buffer.from(text))).toThrow(message);
  });

  it('takes cells that a spreadsheet has filled up for no change', () => {
    expect(isUntouched(['1', 'a', '', ''], ['1', 'a'])).toBe(true);
    expect(isUntouched(['1', 'b'], ['1', 'a'])).toBe(false);
    expect(withoutPadding(['1', '', '', ''], 2)).toEqual(['1', '']);
    expect(withoutPadding(['1', '', 'x'], 2)).toEqual(['1', '', 'x']);
  });
});
