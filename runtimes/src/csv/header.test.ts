import { describe, expect, it } from 'vitest';
import { standardDialect, type Dialect } from './dialect.ts';
import { encodeText } from './encoding.ts';
import { readHeader } from './header.ts';

function headerOf(
  text: string,
  dialect: Partial<Dialect> = {},
): ReturnType<typeof readHeader> & { readonly rest: string } {
  const full = { ...standardDialect, ...dialect };
  const mark = { 0: [], 2: full.encoding === 'UTF-16BE' ? [0xfe, 0xff] : [0xff, 0xfe], 3: [] };
  const body = encodeText(text, full.encoding) ?? Buffer.alloc(0);
  const head = Buffer.concat([Buffer.from(mark[full.bomBytes]), body]);
  const header = readHeader(head, full);
  const rest = head.subarray(header.dataStart);
  const wide = full.encoding === 'UTF-16BE' ? Buffer.from(rest).swap16() : rest;
  return { ...header, rest: wide.toString(full.encoding === 'UTF-8' ? 'utf8' : 'utf16le') };
}

describe('readHeader', () => {
  it('counts comments and blank lines before the header and starts the data after it', () => {
    const header = headerOf('\n# a, "b\n\nid,"full\nname"\n1,Ann\n', { comment: 0x23 });

    expect(header).toMatchObject({ names: ['id', 'full\nname'], rest: '1,Ann\n' });
    expect(header).toMatchObject({ lines: 5, comments: 1, blank: 2, preamble: 0 });
  });

  it('passes over the lines of a preamble whatever they hold', () => {
    const preamble = 'Account "12\r\n\r\n# from: 1, to: 2\rBalance,"1\n';
    const header = headerOf(`${preamble}id,name\n1,Ann\n`, { preambleLines: 4, comment: 0x23 });

    expect(header).toMatchObject({ names: ['id', 'name'], rest: '1,Ann\n' });
    expect(header).toMatchObject({ lines: 5, preamble: 4, comments: 0, blank: 0 });
  });

  it('passes over a preamble of a file without a header', () => {
    const header = headerOf('Report\n\n1,Ann\n', { preambleLines: 2, header: false });

    expect(header).toMatchObject({ names: null, rest: '1,Ann\n', lines: 2, preamble: 2 });
  });

  it('counts only the lines there are where a preamble is longer than the file', () => {
    const header = headerOf('Report\nof 2024', { preambleLines: 10 });

    expect(header).toMatchObject({ names: null, rest: '', lines: 2, preamble: 2 });
  });

  it.each(['UTF-16LE', 'UTF-16BE'] as const)(
    'reads mark, hint, preamble and header of %s',
    (encoding) => {
      const header = headerOf('sep=;\r\nReport\r\n\r\nid;"näme"\r\n1;Zoë\r\n', {
        encoding,
        bomBytes: 2,
        delimiter: 0x3b,
        preambleLines: 2,
      });

      expect(header).toMatchObject({ names: ['id', 'näme'], rest: '1;Zoë\r\n' });
      expect(header).toMatchObject({ lines: 4, comments: 1, preamble: 2 });
    },
  );
});
