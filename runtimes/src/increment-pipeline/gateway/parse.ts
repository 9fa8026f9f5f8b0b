/**
 * From the bytes of a body to increments: 24 bytes each, 16 of the key and 8 of the value.
 *
 * Strict and lossless: a body is one object, one array of objects, or objects on lines; each object
 * has `key` and `value` once and nothing else. Whatever the bytes are, the outcome is increments or
 * a RequestError. Work and memory are proportional to the body, whose size the caller bounds.
 */
import { atItem, badJson, noItems, refuse } from './refusals.ts';
import { itemBytes, readItem, skipSpace, type Scan } from './scan.ts';

/** An increment is 56 to 80 bytes; the rest is space for those who indent. */
export const singleBytesMax = 4 * 1024;
export const itemsMax = 10_000;
/** More than 200 bytes for each of the most items. */
export const batchBytesMax = 2 * 1024 * 1024;

/** The shortest item: `{"key":"<36>","value":1}`. */
const itemTextBytesMin = 56;
const comma = 0x2c;
const bracketOpen = 0x5b;
const bracketClose = 0x5d;
const lineFeed = 0x0a;
const ndjson = /^application\/(x-ndjson|ndjson|jsonl|x-jsonlines|json-lines)\s*(;|$)/i;

/** The increment that the body of a single request is. */
export function parseIncrement(body: Buffer): Buffer {
  if (body.length > singleBytesMax) {
    throw refuse('BodyTooLarge', `the body is larger than ${singleBytesMax} bytes`);
  }
  const scan: Scan = { bytes: body, at: 0, into: Buffer.allocUnsafe(itemBytes), intoAt: 0 };
  skipSpace(scan);
  readItem(scan);
  endBody(scan);
  return scan.into;
}

/** The increments of a batch: an array, or lines where the content type or the first byte says so. */
export function parseIncrements(body: Buffer, contentType: string | undefined): Buffer {
  if (body.length > batchBytesMax) {
    throw refuse('BodyTooLarge', `the body is larger than ${batchBytesMax} bytes`);
  }
  const most = Math.min(itemsMax, Math.ceil(body.length / itemTextBytesMin));
  const scan: Scan = {
    bytes: body,
    at: 0,
    // One more, for the item that is refused before it is counted.
    into: Buffer.allocUnsafe((most + 1) * itemBytes),
    intoAt: 0,
  };
  skipSpace(scan);
  const isArray = body[scan.at] === bracketOpen && !ndjson.test(contentType ?? '');
  try {
    if (isArray) readArray(scan);
    else readLines(scan);
  } catch (error) {
    throw atItem(scan.intoAt / itemBytes, error);
  }
  if (isArray) endBody(scan);
  if (scan.intoAt === 0) throw noItems();
  return scan.into.subarray(0, scan.intoAt);
}

function readArray(scan: Scan): void {
  const { bytes } = scan;
  scan.at += 1;
  skipSpace(scan);
  if (bytes[scan.at] === bracketClose) {
    scan.at += 1;
    return;
  }
  for (;;) {
    readCounted(scan);
    skipSpace(scan);
    const next = bytes[scan.at];
    scan.at += 1;
    if (next === bracketClose) return;
    if (next !== comma) throw badJson('a comma or the end of the array is expected before it');
    skipSpace(scan);
  }
}

/** Objects with a line feed between them; empty lines are passed over. */
function readLines(scan: Scan): void {
  while (scan.at < scan.bytes.length) {
    readCounted(scan);
    const end = scan.at;
    skipSpace(scan);
    if (scan.at < scan.bytes.length && !scan.bytes.subarray(end, scan.at).includes(lineFeed)) {
      throw badJson('a line feed is expected before it');
    }
  }
}

function readCounted(scan: Scan): void {
  if (scan.intoAt === itemsMax * itemBytes) {
    throw refuse('TooManyItems', `at most ${itemsMax} items are taken in one request`);
  }
  readItem(scan);
}

function endBody(scan: Scan): void {
  skipSpace(scan);
  if (scan.at < scan.bytes.length) throw badJson('nothing may follow the JSON value');
}
