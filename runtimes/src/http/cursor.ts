/**
 * Cursors of keyset pages: where the last page ended, opaque to clients.
 *
 * A cursor is bound to the query it came from (table, order, filters): used with another query it
 * would skip or repeat rows silently, so it is refused instead. It is not signed: a forged one can
 * only start a page elsewhere in rows that the client may read anyway, since its values go into the
 * query as typed parameters. Long values are deflated, because a key that fits a database index
 * only through compression must still fit a URL; inflating is bounded.
 */
import { createHash } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { badRequest } from './request-error.ts';

/** Plain cursors stay readable in a debugger; from this size on deflating pays. */
const deflateFromBytes = 512;
/** The most a cursor may inflate to: above any indexable key, far below what could hurt. */
const inflatedBytesMax = 4 * 1024 * 1024;

const plainMark = 'p';
const deflatedMark = 'z';

/** Names a query: what a cursor is bound to. */
export function queryBinding(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, 16);
}

export function encodeCursor(binding: string, position: readonly string[]): string {
  const json = Buffer.from(JSON.stringify([binding, ...position]));
  return json.length < deflateFromBytes
    ? plainMark + json.toString('base64url')
    : deflatedMark + deflateRawSync(json).toString('base64url');
}

/** The position the cursor holds, of exactly `length` values; anything else is refused with 400. */
export function decodeCursor(cursor: string, binding: string, length: number): readonly string[] {
  const values = readValues(cursor);
  if (values?.length !== length + 1) throw badCursor();
  const [bound, ...position] = values;
  if (bound !== binding) {
    throw badRequest(
      'BadCursor',
      'The cursor belongs to another query; repeat the first request with the same filters.',
    );
  }
  return position;
}

export function badCursor(cause?: unknown): Error {
  return badRequest('BadCursor', 'The cursor is not one that this service gave.', cause);
}

function readValues(cursor: string): readonly string[] | undefined {
  if (!/^[pz][A-Za-z0-9_-]+$/.test(cursor)) return undefined;
  const bytes = Buffer.from(cursor.slice(1), 'base64url');
  try {
    const json = cursor.startsWith(deflatedMark)
      ? inflateRawSync(bytes, { maxOutputLength: inflatedBytesMax })
      : bytes;
    const values: unknown = JSON.parse(json.toString());
    return Array.isArray(values) && values.every((value) => isStorable(value)) ? values : undefined;
  } catch {
    // Not something this service wrote; the caller answers 400 without the parser's words.
    return undefined;
  }
}

function isStorable(value: unknown): value is string {
  return typeof value === 'string' && !value.includes('\0') && value.isWellFormed();
}
