/**
 * Tells by its beginning a file that is no table: archives, pictures, programs, web pages, and text
 * in an encoding that nothing here reads. Read as CSV each would become records of garbage, or one
 * endless record, and nobody would be told why.
 *
 * Damage is not enough: NULs and other control characters do occur in tables, and stay in their cells.
 */

const sampleBytes = 4096;
/** Of a shorter file shares say nothing. */
const sharedBytesMin = 32;
const utf32CharactersMin = 8;
const utf32Min = 0.9;
const nulsMax = 0.3;
/** Compressed bytes are high for a half and these controls for a twelfth; texts hold hardly any. */
const binaryHighMin = 0.1;
const binaryControlsMin = 0.03;
const ebcdicMin = 0.95;
const ebcdicHighMin = 0.4;

/** What a file of another kind is, and what to do about it; undefined if it may be text. */
export function knownKind(head: Buffer): string | undefined {
  const sample = head.subarray(0, sampleBytes);
  const start = sample.toString('latin1', 0, 8);
  const found = signatures.find(([signature]) => start.startsWith(signature));
  // A text may begin with the same letters, but then it holds no control characters soon after.
  if (found !== undefined && sample.some((byte) => byte < 0x09)) {
    return `${found[1]}, not CSV; ${found[2]}`;
  }
  return isUtf32(sample) ? `UTF-32; ${conversion}` : undefined;
}

/** The same of a text that says itself that it is no table; servers answer so instead of the file. */
export function documentKind(head: Buffer): string | undefined {
  const start = head.toString('latin1', 0, documentBytes);
  const found = documents.find(([beginning]) => beginning.test(start));
  return found && `${found[1]}, not CSV; name a CSV file`;
}

/** The same of a file in which nothing says what it is but the look of its bytes. */
export function likelyKind(head: Buffer): string | undefined {
  const sample = head.subarray(0, sampleBytes);
  if (sample.length < sharedBytesMin) return undefined;
  if (shareOf(sample, (byte) => byte === 0) > nulsMax) return 'mostly NULs, not CSV; write it anew';
  const high = shareOf(sample, (byte) => byte >= 0x80);
  if (high > ebcdicHighMin && shareOf(sample, isEbcdic) > ebcdicMin) return `EBCDIC; ${conversion}`;
  const isBinary = high > binaryHighMin && shareOf(sample, isControl) > binaryControlsMin;
  return isBinary ? 'no text; name a CSV file' : undefined;
}

const conversion = 'convert it to UTF-8, for example with iconv';
const extraction = 'extract the CSV first';
const saving = 'save it as CSV first';

/** First bytes of what is often given the name of a CSV file, or named by mistake. */
const signatures: readonly (readonly [string, string, string])[] = [
  ['\x1f\x8b\x08', 'compressed with gzip', extraction],
  ['PK\x03\x04', 'a zip archive or a spreadsheet', extraction],
  ['\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1', 'an old spreadsheet', saving],
  ['BZh', 'compressed with bzip2', extraction],
  ['\xfd7zXZ\x00', 'compressed with xz', extraction],
  ['\x28\xb5\x2f\xfd', 'compressed with zstd', extraction],
  ['PAR1', 'in the Parquet format', saving],
  ['SQLite f', 'a database', saving],
  ['%PDF-', 'a PDF document', saving],
  ['\x89PNG', 'an image', 'name a CSV file'],
  ['\xff\xd8\xff', 'an image', 'name a CSV file'],
  ['GIF8', 'an image', 'name a CSV file'],
  ['\x7fELF', 'a program', 'name a CSV file'],
];

const documentBytes = 256;
const documents: readonly (readonly [RegExp, string])[] = [
  [/^(\xef\xbb\xbf)?\s*<\?xml\s/, 'an XML document'],
  [/^(\xef\xbb\xbf)?\s*(\[\s*\{|\{\s*[\r\n])\s*"[^"]*"\s*:/, 'a JSON document'],
  [/^(\xef\xbb\xbf)?\s*<(!doctype\s+)?html\b/i, 'a web page'],
];

function shareOf(sample: Buffer, is: (byte: number) => boolean): number {
  let count = 0;
  for (const byte of sample) if (is(byte)) count += 1;
  return count / sample.length;
}

/** Its mark, or three NULs around nearly every character. */
function isUtf32(sample: Buffer): boolean {
  if (sample.length < 4) return false;
  const mark = sample.readUInt32BE(0);
  if (mark === 0x0000feff || mark === 0xfffe0000) return true;
  const count = sample.length >> 2;
  if (count < utf32CharactersMin) return false;
  let [little, big] = [0, 0];
  for (let at = 0; at < 4 * count; at += 4) {
    const code = sample.readUInt32BE(at);
    if (code !== 0 && code < 0x100) big += 1;
    if (code !== 0 && (code & 0xffffff) === 0) little += 1;
  }
  return Math.max(little, big) >= count * utf32Min;
}

/** Without those that separate lines and fields in some files. */
function isControl(byte: number): boolean {
  return (byte > 0x03 && byte < 0x09) || (byte > 0x0d && byte < 0x1b) || byte === 0x7f;
}

/** Letters, digits and the usual marks and line ends of its code pages, none of them an ASCII letter. */
function isEbcdic(byte: number): boolean {
  if (byte < 0x80) return ebcdicMarks.has(byte);
  const low = byte & 0x0f;
  return byte >= 0xf0 ? low < 10 : byte % 0x40 < 0x30 && low > 0 && low < 10;
}

const ebcdicMarks = new Set(
  [0x05, 0x0d, 0x15, 0x25, 0x40, 0x4b, 0x4d, 0x4e, 0x4f, 0x50, 0x5b, 0x5c, 0x5d, 0x5e].concat([
    0x60, 0x61, 0x6b, 0x6c, 0x6d, 0x6e, 0x6f, 0x7a, 0x7b, 0x7c, 0x7d, 0x7e, 0x7f,
  ]),
);
