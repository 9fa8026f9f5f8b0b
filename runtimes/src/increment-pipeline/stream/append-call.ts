/**
 * The call of `appendScript`: what is to be appended, packed into one argument, and its answer.
 *
 * A gateway makes hundreds of these calls a second, and the driver's work grows with the number of
 * arguments and of answers, not with their bytes: as one of each, a call costs it half.
 */
import type { RedisArgument } from '../../connectors/redis/link.ts';

/** The entries that go to one stream, each of whole increments. */
export interface StreamAppend {
  readonly key: string;
  readonly entries: readonly Buffer[];
}

export interface AppendUse {
  readonly keys: string[];
  readonly args: RedisArgument[];
}

export interface AppendedStream {
  /** Of the entries, in their order. */
  readonly ids: readonly string[];
  /** Increments that the stream ever accepted, in decimal. */
  readonly accepted: string;
}

/** Of the number of entries, and of the length of each. */
const lengthBytes = 4;

/** `accepted` is the key of the hash that counts. */
export function appendUse(accepted: string, appends: readonly StreamAppend[]): AppendUse {
  const keys = [accepted];
  let length = 0;
  for (const { entries } of appends) {
    length += lengthBytes * (1 + entries.length);
    for (const entry of entries) length += entry.length;
  }
  const packed = Buffer.allocUnsafe(length);
  let at = 0;
  for (const { key, entries } of appends) {
    keys.push(key);
    at = packed.writeUInt32BE(entries.length, at);
    for (const entry of entries) {
      at = packed.writeUInt32BE(entry.length, at);
      at += entry.copy(packed, at);
    }
  }
  return { keys, args: [packed] };
}

/**
 * By stream, in their order; undefined when one is missing, and nothing was appended. Throws what is
 * no answer to the call: then nobody knows.
 */
export function readAppended(
  reply: unknown,
  appends: readonly StreamAppend[],
): readonly AppendedStream[] | undefined {
  if (typeof reply === 'number') return undefined;
  const words = String(reply).split(' ');
  const expected = appends.reduce((sum, { entries }) => sum + entries.length + 1, 0);
  if (words.length !== expected) throw new Error('an answer to something else');
  let at = 0;
  return appends.map(({ entries }) => {
    const ids = words.slice(at, at + entries.length);
    const accepted = words[at + entries.length] ?? '';
    at += entries.length + 1;
    return { ids, accepted };
  });
}
