/**
 * Text to bytes and back in each encoding that a file may have, for small texts: names, samples,
 * single lines. The loading path decodes field by field instead (`field-text.ts`).
 */

import type { Encoding } from './dialect.ts';
import { decodeWindows1252, encodeWindows1252 } from './windows-1252.ts';

/** The bytes of a text, without a mark; undefined if it has a character that the encoding lacks. */
export function encodeText(text: string, encoding: Encoding): Buffer | undefined {
  if (encoding === 'UTF-8') return Buffer.from(text, 'utf8');
  if (encoding === 'Windows-1252') return encodeWindows1252(text);
  const bytes = Buffer.from(text, 'utf16le');
  return encoding === 'UTF-16LE' ? bytes : bytes.swap16();
}

/** Never fails: what is no character becomes U+FFFD. */
export function decodeLossily(bytes: Buffer, encoding: Encoding): string {
  if (encoding === 'UTF-8') return bytes.toString('utf8');
  if (encoding === 'Windows-1252') return decodeWindows1252(bytes);
  const whole = bytes.subarray(0, bytes.length & ~1);
  const units = encoding === 'UTF-16LE' ? whole : Buffer.from(whole).swap16();
  const text = units.toString('utf16le').toWellFormed();
  return whole.length === bytes.length ? text : `${text}\ufffd`;
}
