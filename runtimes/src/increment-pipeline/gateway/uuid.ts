/**
 * Keys: hyphenated UUIDs as text, 16 bytes everywhere else.
 *
 * Only the hyphenated form is read, in either case, of any version. The nil UUID is no key: it is
 * what an unset field of most clients looks like, and would collect everybody's mistakes.
 */

export const uuidTextBytes = 36;
export const uuidBytes = 16;

/** The value of each hexadecimal digit; anything else has a bit above the lower four. */
const notHex = 0x100;
const digits = new Uint16Array(256).fill(notHex);
for (let value = 0; value < 16; value++) {
  const digit = value.toString(16);
  digits[digit.charCodeAt(0)] = value;
  digits[digit.toUpperCase().charCodeAt(0)] = value;
}

/** Where the digits of each byte are, from the beginning of the text. */
const places = Uint8Array.of(0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34);
const hyphen = 0x2d;

/** Writes the key whose text begins at `at`; false, with anything written, when it is none. */
export function writeUuid(
  text: Uint8Array,
  at: number,
  into: { readonly bytes: Uint8Array; readonly at: number },
): boolean {
  if (at + uuidTextBytes > text.length || !hasHyphens(text, at)) return false;
  let any = 0;
  for (let index = 0; index < uuidBytes; index++) {
    const place = at + (places[index] ?? 0);
    const high = digits[text[place] ?? 0] ?? notHex;
    const low = digits[text[place + 1] ?? 0] ?? notHex;
    any |= high | low;
    into.bytes[into.at + index] = (high << 4) | low;
  }
  return any !== 0 && any < notHex;
}

function hasHyphens(text: Uint8Array, at: number): boolean {
  return (
    text[at + 8] === hyphen &&
    text[at + 13] === hyphen &&
    text[at + 18] === hyphen &&
    text[at + 23] === hyphen
  );
}

/** The lower-case text of the key at `at`. */
export function uuidText(bytes: Buffer, at = 0): string {
  const hex = bytes.toString('hex', at, at + uuidBytes);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** The key that a whole text is, or undefined. */
export function parseUuid(text: string): Buffer | undefined {
  if (text.length !== uuidTextBytes) return undefined;
  const bytes = Buffer.alloc(uuidBytes);
  return writeUuid(Buffer.from(text, 'latin1'), 0, { bytes, at: 0 }) ? bytes : undefined;
}
