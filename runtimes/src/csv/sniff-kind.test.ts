import { deflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { FormatSpec } from './dialect.ts';
import { sniff, type Sniffed } from './sniff.ts';
import { Random } from './test/tables.ts';

function sniffed(bytes: Buffer | readonly number[], format: FormatSpec = {}): Sniffed {
  return sniff(Buffer.from(bytes), format, { isWholeFile: true });
}

const text = 'id;name\n1;Ann\n2;Bob\n3;Eve\n';

function utf32(isBigEndian: boolean, mark = ''): Buffer {
  const points = Array.from(mark + text, (character) => character.codePointAt(0) ?? 0);
  const bytes = Buffer.alloc(4 * points.length);
  for (const [index, point] of points.entries()) {
    if (isBigEndian) bytes.writeUInt32BE(point, 4 * index);
    else bytes.writeUInt32LE(point, 4 * index);
  }
  return bytes;
}

function ebcdic(record: string): Buffer {
  return Buffer.from(
    Array.from(record, (character) => {
      const code = character.charCodeAt(0);
      if (character >= '0' && character <= '9') return 0xf0 + code - 0x30;
      if (character >= 'A' && character <= 'I') return 0xc1 + code - 0x41;
      if (character >= 'a' && character <= 'i') return 0x81 + code - 0x61;
      return character === '\n' ? 0x25 : 0x6b;
    }),
  );
}

function randomBytes(): Buffer {
  const random = new Random(7);
  return Buffer.from(Array.from({ length: 9000 }, () => random.below(256)));
}

describe('files that are no CSV', () => {
  it.each([
    ['compressed with gzip, not CSV; extract', [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3]],
    ['a zip archive or a spreadsheet, not CSV; extract', [0x50, 0x4b, 3, 4, 20, 0]],
    ['an image, not CSV; name a CSV file', [0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0, 0, 0, 13]],
    ['a program', [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0]],
    ['UTF-32; convert it to UTF-8', utf32(false, '\ufeff')],
    ['UTF-32; convert it to UTF-8', utf32(true, '\ufeff')],
    ['UTF-32; convert it to UTF-8', utf32(false)],
    ['UTF-32; convert it to UTF-8', utf32(true)],
    ['EBCDIC; convert it to UTF-8', ebcdic('ID,AGE\n1,23\n2,34\n'.repeat(4))],
    ['a web page', Buffer.from('\n<!DOCTYPE html>\n<html><body>Sorry, not found</body></html>\n')],
    ['an XML document', Buffer.from('\ufeff<?xml version="1.0"?>\n<a b="1,2"/>\n')],
    ['a JSON document', Buffer.from('[\n  {"id": 1, "name": "Ann"},\n  {"id": 2}\n]\n')],
    ['a JSON document', Buffer.from('{\n  "id": 1,\n  "name": "Ann"\n}\n')],
    ['mostly NULs', Buffer.alloc(5000)],
    ['no text', deflateRawSync(randomBytes())],
  ])('are refused with what they are: %s', (what, bytes) => {
    expect(() => sniffed(bytes)).toThrow(`the file is ${what}`);
  });

  it('are read all the same if the format says how and nothing says what they are', () => {
    expect(sniffed(randomBytes(), { encoding: 'Windows-1252' }).dialect.encoding).toBe(
      'Windows-1252',
    );
  });

  it.each([
    ['begins like an archive', 'BZh,PAR1\n1,2\n'],
    ['holds a NUL in each record', 'id,name\n1,A\0n\n2,B\0b\n3,E\0e\n4,C\0\n5,\0x\n'],
    ['holds every control character in one cell', `id,v\n1,${controls()}\n2,x\n3,y\n4,z\n5,é\n`],
    ['separates by control characters', 'Zoë\u0001é\u0001ü\u0002ö\n'.repeat(9)],
    ['is Greek in bytes that are no UTF-8', Buffer.from('\xca\xe1\xeb;1\n'.repeat(20), 'latin1')],
    ['is a JSON document in each line', '{"id":1,"n":"Ann"}\n{"id":2,"n":"Bob"}\n'],
    ['begins with a bracket', '[1,2]\n[3,4]\n'],
    ['is Chinese', '名字,年龄\n安娜,三十\n'.repeat(9)],
    ['holds hardly anything', '\0'],
    ['holds high letters only', Buffer.from('\xc1\xc2\xc3', 'latin1')],
  ])('is not what a text is taken for that %s', (_, written) => {
    expect(() => sniffed(Buffer.from(written))).not.toThrow();
  });
});

function controls(): string {
  const all = Array.from({ length: 32 }, (_, code) => String.fromCharCode(code));
  return all.filter((character) => !/[\r\n]/.test(character)).join('');
}
