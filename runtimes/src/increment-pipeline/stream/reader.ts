/**
 * What workers and looks ask of the streams: entries after an id, facts, counts, and trimming.
 * Nothing here says what was consumed: that is in Postgres alone.
 */
import type { RedisCommands } from '../../connectors/redis/link.ts';
import { entryIdAfter } from './entry-id.ts';
import type { Entry } from './entry.ts';
import { acceptedField, acceptedKey, streamKey, type StreamPlace } from './names.ts';

export interface ReadOptions extends StreamPlace {
  /** Entries with greater ids are read. */
  readonly after: string;
  readonly entriesMax: number;
  /** Reading stops when so many bytes are at hand; the last page may pass it. */
  readonly bytesMax: number;
}

/** XRANGE bounds by count alone, and entries differ in size: pages begin small and grow. */
const pageEntriesFirst = 32;
const pageEntriesMax = 256;

export async function readEntries(link: RedisCommands, options: ReadOptions): Promise<Entry[]> {
  const key = streamKey(options);
  const found: Entry[] = [];
  let bytes = 0;
  let { after } = options;
  let page = pageEntriesFirst;
  while (found.length < options.entriesMax && bytes < options.bytesMax) {
    const count = Math.min(page, options.entriesMax - found.length);
    const args = ['XRANGE', key, `(${after}`, '+', 'COUNT', count];
    const entries = entriesOf(await link.call('Reading a stream', args));
    for (const entry of entries) {
      found.push(entry);
      bytes += entry.payload.length;
      after = entry.id;
    }
    if (entries.length < count) break;
    page = Math.min(page * 2, pageEntriesMax);
  }
  return found;
}

export interface StreamFacts {
  readonly lastGeneratedId: string;
  /** Entries, those that are committed and not yet trimmed included. */
  readonly length: number;
  readonly firstId?: string;
  /** Memory that Redis takes for it. */
  readonly bytes: number;
}

/** Enough nodes that sizes of a mixed stream are right within a few per cent. */
const memorySamples = 64;

/** Undefined when there is no such stream. */
export async function streamFacts(
  link: RedisCommands,
  place: StreamPlace,
): Promise<StreamFacts | undefined> {
  const [info, bytes] = await Promise.all([streamInfo(link, place), streamBytes(link, place)]);
  return info === undefined ? undefined : { ...info, bytes };
}

/** Memory that Redis takes for a stream; 0 when there is none. */
export async function streamBytes(link: RedisCommands, place: StreamPlace): Promise<number> {
  const args = ['MEMORY', 'USAGE', streamKey(place), 'SAMPLES', memorySamples];
  return Number((await link.call('Measuring a stream', args)) ?? 0);
}

/** The facts that cost Redis next to nothing. */
export async function streamInfo(
  link: RedisCommands,
  place: StreamPlace,
): Promise<Omit<StreamFacts, 'bytes'> | undefined> {
  const reply = await link
    .call('Looking at a stream', ['XINFO', 'STREAM', streamKey(place)])
    .catch((error: unknown) => {
      if (isNoSuchKey(error)) return undefined;
      throw error;
    });
  if (!Array.isArray(reply)) return undefined;
  const fields = new Map<string, unknown>();
  for (let at = 0; at + 1 < reply.length; at += 2) fields.set(String(reply[at]), reply[at + 1]);
  const first = fields.get('first-entry');
  return {
    lastGeneratedId: String(fields.get('last-generated-id')),
    length: Number(fields.get('length')),
    ...(Array.isArray(first) ? { firstId: String(first[0]) } : {}),
  };
}

/** Increments ever appended to each stream, in the order asked for. */
export async function acceptedCounts(
  link: RedisCommands,
  uid: string,
  streams: readonly Omit<StreamPlace, 'uid'>[],
): Promise<bigint[]> {
  if (streams.length === 0) return [];
  const args = ['HMGET', acceptedKey(uid), ...streams.map(acceptedField)];
  const reply = await link.call('Reading what was accepted', args);
  const counts = Array.isArray(reply) ? reply : [];
  return streams.map((_, at) => BigInt(String(counts[at] ?? '0')));
}

/** Drops the entries up to `id`, which is included. */
export async function trimTo(
  link: RedisCommands,
  { id, ...place }: StreamPlace & { readonly id: string },
): Promise<number> {
  const args = ['XTRIM', streamKey(place), 'MINID', entryIdAfter(id)];
  return Number(await link.call('Trimming a stream', args));
}

function isNoSuchKey(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return error.cause instanceof Error && /no such key/i.test(error.cause.message);
}

type EntryReply = readonly [Buffer, readonly Buffer[]];

function entriesOf(reply: unknown): Entry[] {
  if (!Array.isArray(reply)) return [];
  return (reply as readonly EntryReply[]).map(([id, fields]) => {
    const [version, payload] = fields;
    const isOurs = fields.length === 2 && version !== undefined && payload !== undefined;
    return {
      id: id.toString('latin1'),
      version: isOurs ? version.toString('latin1') : '',
      payload: isOurs ? payload : Buffer.concat(fields),
    };
  });
}
