import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BoundaryScanner, type PlannedChunk } from './boundaries.ts';
import { standardDialect, type Dialect } from './dialect.ts';
import { encodeText } from './encoding.ts';
import { textsOf } from './field-text.ts';
import { parseChunk } from './parser.ts';

const dialects: readonly Dialect[] = [
  standardDialect,
  { ...standardDialect, escape: 'Backslash' },
  { ...standardDialect, quote: 0x27, delimiter: 0x3b, comment: 0x23 },
  { ...standardDialect, quote: undefined, escape: 'Backslash' },
  { ...standardDialect, quote: undefined, escape: 'None' },
  { ...standardDialect, delimiter: 0x20 },
  { ...standardDialect, delimiter: 0x09, escape: 'None' },
  { ...standardDialect, padded: true },
  { ...standardDialect, encoding: 'UTF-16LE' },
  { ...standardDialect, encoding: 'UTF-16BE', escape: 'Backslash', comment: 0x23 },
  { ...standardDialect, encoding: 'UTF-16LE', padded: true, comment: 0xa7 },
  { ...standardDialect, encoding: 'UTF-16BE', quote: undefined, escape: 'Backslash' },
  { ...standardDialect, delimiter: 0xa6, comment: 0xa7 },
  { ...standardDialect, delimiter: 0xa6, padded: true, escape: 'Backslash' },
  { ...standardDialect, delimiter: 0x1f4a5, quote: undefined, escape: 'Backslash' },
  { ...standardDialect, delimiter: 0x1f4a5, encoding: 'UTF-16LE', escape: 'Backslash' },
  { ...standardDialect, delimiter: 0xa6, encoding: 'UTF-16BE' },
  { ...standardDialect, delimiter: 0xa6, encoding: 'Windows-1252' },
  ...([1, 2] as const).flatMap((spacesMin): Dialect[] => [
    { ...standardDialect, delimiter: 0x20, spacesMin },
    { ...standardDialect, delimiter: 0x20, spacesMin, escape: 'Backslash', comment: 0x23 },
    { ...standardDialect, delimiter: 0x20, spacesMin, encoding: 'UTF-16LE' },
    { ...standardDialect, delimiter: 0x20, spacesMin, encoding: 'UTF-16BE', quote: undefined },
    { ...standardDialect, delimiter: 0x20, spacesMin, encoding: 'Windows-1252', escape: 'None' },
  ]),
];

/** Everything that happened while reading, with places in the file. */
function events(bytes: Buffer, chunks: readonly PlannedChunk[], reading: Reading): unknown[] {
  const seen: unknown[] = [];
  let [blank, comments] = [0, 0];
  for (const { offset, length } of chunks) {
    const part = bytes.subarray(offset, offset + length);
    const counts = parseChunk(
      { bytes: part, offset, ...reading },
      {
        record: (record) => seen.push([record.offset, record.end - record.start, textsOf(record)]),
        bad: (bad) => seen.push([bad.offset, bad.end - bad.start, bad.reason]),
      },
    );
    blank += counts.blank;
    comments += counts.comments;
  }
  return [...seen, { blank, comments }];
}

interface Reading {
  readonly dialect: Dialect;
  readonly maxRecordBytes: number;
}

function scan(
  bytes: Buffer,
  reading: Reading & { readonly chunkBytes: number; readonly feeds: readonly number[] },
): PlannedChunk[] {
  const scanner = new BoundaryScanner({ ...reading, start: 0 });
  const chunks: PlannedChunk[] = [];
  let at = 0;
  for (const length of reading.feeds) {
    chunks.push(...scanner.feed(bytes.subarray(at, at + length)));
    at += length;
  }
  chunks.push(...scanner.feed(bytes.subarray(at)), ...scanner.finish());
  return chunks;
}

/** Text that makes every state of the automaton likely. */
const nasty = fc.array(
  fc.constantFrom(
    '"',
    '"',
    '""',
    "'",
    ',',
    ';',
    '\n',
    '\n',
    '\r\n',
    '\r',
    '\\',
    ' ',
    ' ',
    '  ',
    '   ',
    '\t',
    '#',
    'a',
    'bc',
    '"\n',
    ',"',
    '",',
    '¦',
    '§',
    '💥',
  ),
  { maxLength: 60 },
);

/** Bytes that no writer meant: halves of characters, what looks like marks, and what is none. */
const garbage = fc.constantFrom(
  [],
  [0x00],
  [0x0a],
  [0xc2],
  [0xa6],
  [0xff, 0xfe],
  [0xfd],
  [0xd8, 0x00, 0x0a],
  [0xf0, 0x9f],
);

const cutting = fc
  .record({
    texts: fc.array(fc.tuple(nasty, garbage), { minLength: 1, maxLength: 3 }),
    dialect: fc.constantFrom(...dialects),
    chunkBytes: fc.integer({ min: 1, max: 40 }),
    maxRecordBytes: fc.integer({ min: 1, max: 50 }),
    feeds: fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 12 }),
  })
  .map(({ texts, ...reading }) => {
    const { encoding } = reading.dialect;
    const parts = texts.flatMap(([text, end]) => [
      ...text.map((part) => encodeText(part, encoding) ?? Buffer.from('?')),
      Buffer.from(end),
    ]);
    return { ...reading, bytes: Buffer.concat(parts) };
  });

describe('BoundaryScanner', () => {
  it('cuts any file in any feeds and chunk sizes such that the parts read like the whole', () => {
    fc.assert(
      fc.property(cutting, ({ bytes, ...reading }) => {
        const chunks = scan(bytes, reading);

        const whole = events(bytes, [{ offset: 0, length: bytes.length }], reading);
        expect(events(bytes, chunks, reading)).toEqual(whole);
        let end = 0;
        for (const { offset, length } of chunks) {
          expect(offset).toBe(end);
          end += length;
        }
        expect(end).toBe(bytes.length);
      }),
      { numRuns: 4000 },
    );
  });

  it('undoes an escape before a quote that is none alike, whatever follows in the file', () => {
    // Bytes that are no UTF-8 make every field of their chunk be looked at once more.
    const bytes = Buffer.from([...Buffer.from('"\\""💥\n'), 0xff, 0xfe]);
    const dialect: Dialect = { ...standardDialect, escape: 'Backslash' };
    const reading = { dialect, chunkBytes: 1, maxRecordBytes: 9, feeds: [] };

    const whole = events(bytes, [{ offset: 0, length: bytes.length }], reading);

    expect(events(bytes, scan(bytes, reading), reading)).toEqual(whole);
    expect(whole[0]).toEqual([0, 8, ['"""💥']]);
  });

  it('plans the same chunks however the bytes arrive', () => {
    fc.assert(
      fc.property(cutting, ({ bytes, ...reading }) => {
        expect(scan(bytes, reading)).toEqual(scan(bytes, { ...reading, feeds: [] }));
      }),
      { numRuns: 2000 },
    );
  });

  it('goes on from the end of any chunk as if it had come from the start', () => {
    fc.assert(
      fc.property(cutting, ({ bytes, ...reading }) => {
        const chunks = scan(bytes, reading);

        for (const [index, { offset, length }] of chunks.entries()) {
          const scanner = new BoundaryScanner({ ...reading, start: offset + length });
          const rest = [...scanner.feed(bytes.subarray(offset + length)), ...scanner.finish()];
          expect(rest).toEqual(chunks.slice(index + 1));
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('never cuts a CRLF or a quoted newline', () => {
    const bytes = Buffer.from('a,"x\r\ny"\r\nb,c\r\n'.repeat(50));
    for (let chunkBytes = 1; chunkBytes < 30; chunkBytes += 1) {
      const feeds = Array.from({ length: 800 }, () => 1);
      const chunks = scan(bytes, {
        dialect: standardDialect,
        maxRecordBytes: 100,
        chunkBytes,
        feeds,
      });

      for (const { offset, length } of chunks) {
        expect(bytes.toString('latin1', offset + length - 2, offset + length)).toBe('\r\n');
        expect('ab').toContain(String.fromCharCode(bytes[offset] ?? 0));
      }
    }
  });

  it.each([
    ['wide spaces', '  ', { delimiter: 0x20, spacesMin: 2 }],
    ['wide spaces in UTF-16', '   ', { delimiter: 0x20, spacesMin: 2, encoding: 'UTF-16BE' }],
    ['a broken bar', '¦', { delimiter: 0xa6 }],
    ['a character of two UTF-16 units', '💥', { delimiter: 0x1f4a5, encoding: 'UTF-16LE' }],
  ] as const)(
    'knows a delimiter of which the bytes come one by one: %s',
    (_, delimiter, changes) => {
      const dialect: Dialect = { ...standardDialect, ...changes };
      const record = encodeText(`"a\nb"${delimiter}c\n`, dialect.encoding) ?? Buffer.alloc(0);
      const bytes = Buffer.concat(Array.from({ length: 20 }, () => record));
      const feeds = Array.from({ length: bytes.length }, () => 1);

      const chunks = scan(bytes, { dialect, maxRecordBytes: 100, chunkBytes: 1, feeds });

      expect(chunks.map(({ length }) => length)).toEqual(chunks.map(() => record.length));
    },
  );

  it('makes a record that is too long a chunk of its own, without holding it', () => {
    const scanner = new BoundaryScanner({
      dialect: standardDialect,
      start: 0,
      chunkBytes: 1000,
      maxRecordBytes: 100,
    });
    const chunks = [...scanner.feed(Buffer.from('a,b\n1,"'))];
    for (let part = 0; part < 100; part += 1)
      chunks.push(...scanner.feed(Buffer.alloc(1000, 0x78)));
    chunks.push(...scanner.feed(Buffer.from('"\n2,c\n')), ...scanner.finish());

    expect(chunks).toEqual([
      { offset: 0, length: 4 },
      { offset: 4, length: 100_005, tooLong: true },
      { offset: 100_009, length: 4 },
    ]);
  });

  it('keeps every chunk that is not marked below chunkBytes, maxRecordBytes and two units', () => {
    fc.assert(
      fc.property(cutting, ({ bytes, ...reading }) => {
        for (const { length, tooLong } of scan(bytes, reading)) {
          if (tooLong) continue;
          expect(length).toBeLessThan(reading.chunkBytes + reading.maxRecordBytes + 4);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
