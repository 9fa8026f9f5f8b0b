/**
 * What one commit takes from a stream: as many whole entries as fit the bounds, and at least one.
 *
 * Entries that cannot be read become dead letters of the same commit. Of requests with an
 * Idempotency-Key it is not known here whether they are repetitions; that is for the commit to see,
 * so a batch can be summed again without some of its items.
 */
import { decodeEntry, itemBytes, type Entry, type RequestDigests } from '../stream/entry.ts';
import { KeySums, viewOf } from './key-sums.ts';

export interface TakenEntry {
  readonly id: string;
  readonly items: Buffer;
  readonly request?: RequestDigests;
}

export type DeadLetterReason = 'Unparsable' | 'UnknownVersion' | 'SumOverflow' | 'RequestMismatch';

export interface DeadLetter {
  readonly id: string;
  readonly reason: DeadLetterReason;
  readonly increments: number;
  readonly payload: Buffer;
}

export interface Batch {
  readonly firstId: string;
  readonly lastId: string;
  readonly entries: readonly TakenEntry[];
  readonly refused: readonly DeadLetter[];
  /** Of all entries. */
  readonly sums: KeySums;
  readonly increments: number;
  /** Whether a bound ended it, so that more is waiting. */
  readonly isFull: boolean;
}

/** Sums are exact up to two million items (see key-sums.ts); one entry beyond this does not matter. */
const itemsMax = 1_000_000;

/** Undefined without entries. */
export function takeBatch(found: readonly Entry[], keysMax: number): Batch | undefined {
  const [first] = found;
  if (first === undefined) return undefined;
  const sums = new KeySums();
  const entries: TakenEntry[] = [];
  const refused: DeadLetter[] = [];
  let lastId = first.id;
  let increments = 0;
  let isFull = false;
  for (const entry of found) {
    const decoded = decodeEntry(entry);
    if ('refused' in decoded) {
      refused.push(unreadable(entry, decoded.refused));
    } else {
      const before = sums.size;
      sums.addAll(decoded.items);
      const isTooMuch = sums.size > keysMax || increments > itemsMax;
      if (isTooMuch && entry !== first) {
        sums.removeLast(decoded.items, before);
        isFull = true;
        break;
      }
      entries.push({ id: entry.id, ...decoded });
      increments += decoded.items.length / itemBytes;
    }
    lastId = entry.id;
  }
  return { firstId: first.id, lastId, entries, refused, sums, increments, isFull };
}

/** The version is kept with the bytes, one byte of length before it: a later release may read both. */
function unreadable(entry: Entry, reason: DeadLetterReason): DeadLetter {
  const version = Buffer.from(entry.version, 'latin1').subarray(0, versionBytesMax);
  return {
    id: entry.id,
    reason,
    // How many there are cannot be known; this is what it would be for items.
    increments: Math.max(1, Math.floor(entry.payload.length / itemBytes)),
    payload: Buffer.concat([Buffer.of(version.length), version, entry.payload]),
  };
}

const versionBytesMax = 255;

/** An entry as `unreadable` keeps it. */
export function keptEntry(id: string, payload: Buffer): Entry {
  const length = payload[0] ?? 0;
  return {
    id,
    version: payload.toString('latin1', 1, 1 + length),
    payload: payload.subarray(1 + length),
  };
}

/** Some of the items, by where they begin. */
export function itemsAt(items: Buffer, places: ReadonlySet<number>): Buffer {
  return Buffer.concat([...places].map((at) => items.subarray(at, at + itemBytes)));
}

/** What is left out of a batch: whole entries by their place, or single items of them. */
export type Exclusions = ReadonlyMap<number, 'All' | ReadonlySet<number>>;

export function sumsWithout(entries: readonly TakenEntry[], exclusions: Exclusions): KeySums {
  const sums = new KeySums();
  for (const [place, { items }] of entries.entries()) {
    const excluded = exclusions.get(place);
    if (excluded === undefined) sums.addAll(items);
    else if (excluded !== 'All') addOthers(sums, items, excluded);
  }
  return sums;
}

function addOthers(sums: KeySums, items: Buffer, excluded: ReadonlySet<number>): void {
  const view = viewOf(items);
  for (let at = 0; at < items.length; at += itemBytes) {
    if (!excluded.has(at)) sums.addOne(view, at);
  }
}
