/**
 * Windows-1252 as the web reads it: 27 of the bytes 0x80-0x9f are printable, the five that the code
 * page leaves empty become the control character of the same number, so no byte is ever invalid.
 */

const high =
  '\u20ac\u0081\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\u008d\u017d\u008f' +
  '\u0090\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\u009d\u017e\u0178';

export function codePointOf(byte: number): number {
  return byte >= 0x80 && byte < 0xa0 ? high.charCodeAt(byte - 0x80) : byte;
}

export function decodeWindows1252(bytes: Buffer): string {
  const text = bytes.toString('latin1');
  return text.replace(
    /[\u0080-\u009f]/g,
    (character) => high[character.charCodeAt(0) - 0x80] ?? '',
  );
}

/** The text in Windows-1252; undefined if it holds a character that the code page lacks. */
export function encodeWindows1252(text: string): Buffer | undefined {
  const bytes = Buffer.alloc(text.length);
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    const position = high.indexOf(text.charAt(index));
    if (position >= 0) bytes[index] = 0x80 + position;
    else if (code < 0x100) bytes[index] = code;
    else return undefined;
  }
  return bytes;
}
