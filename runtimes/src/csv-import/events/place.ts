/**
 * Where a client is in its stream of rows, and how that is written as the id of an event.
 *
 *   snapshot (pages in the table's order) → chunks (those not seen by the snapshot) → end
 *
 * A place names what the database showed when the snapshot began (`base`, as Postgres writes it), so
 * that nothing which was committed later is ever skipped, whatever order chunks commit in. In the
 * second phase chunks are sent in groups: those not visible in `base` but in `to`, ordered by when they
 * were committed; a finished group makes its `to` the next `base`. An id therefore stays short and is
 * good on every gateway and after a restart. Ids of another import, table or database, and what is no
 * id at all, are no place: the stream begins anew, which repeats rows and loses none.
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib';

export type Place =
  | {
      readonly phase: 'snapshot';
      /** Undefined before the first look at the ledger. */
      readonly base: string | undefined;
      /** Order values of the last row sent. */
      readonly after: readonly string[] | undefined;
    }
  | {
      readonly phase: 'chunks';
      readonly base: string;
      /** The group that is being sent. */
      readonly group: Group | undefined;
    }
  | { readonly phase: 'end' };

export interface Group {
  readonly to: string;
  /** The chunk in hand, or the last one that is finished. */
  readonly chunk: ChunkPlace | undefined;
}

export interface ChunkPlace {
  /** Microseconds since the epoch at which it was finished. */
  readonly at: string;
  readonly chunk: number;
  /** Position of the last row sent; undefined when all of it is sent. */
  readonly position: string | undefined;
}

export interface Progress {
  readonly place: Place;
  /** Rows sent so far, over all connections of this client. */
  readonly sent: number;
}

export const beginning: Progress = {
  place: { phase: 'snapshot', base: undefined, after: undefined },
  sent: 0,
};

/** Longer ids are deflated: keys may be as long as an index entry. */
const deflateFromCharacters = 1_024;
const inflatedBytesMax = 64 * 1024;
/** Of a snapshot with more open transactions than fit, only its lower end is kept. */
const snapshotCharactersMax = 512;

/** `tag` names the stream: a hash of everything that a place depends on. */
export function encodePlace(tag: string, { place, sent }: Progress): string {
  const text = [place.phase.slice(0, 1), tag, String(sent), ...partsOf(place)].join('.');
  return text.length < deflateFromCharacters
    ? text
    : `z.${deflateRawSync(text).toString('base64url')}`;
}

function partsOf(place: Place): readonly string[] {
  switch (place.phase) {
    case 'snapshot':
      return [
        narrowed(place.base),
        place.after === undefined
          ? ''
          : Buffer.from(JSON.stringify(place.after)).toString('base64url'),
      ];
    case 'chunks': {
      const { base, group } = place;
      if (group === undefined) return [narrowed(base)];
      const { to, chunk } = group;
      if (chunk === undefined) return [narrowed(base), narrowed(to)];
      const { at, position = 'done' } = chunk;
      return [narrowed(base), narrowed(to), at, String(chunk.chunk), position];
    }
    case 'end':
      return [];
  }
}

/** Everything below the oldest open transaction: shows less, so more may be sent again. */
function narrowed(snapshot = ''): string {
  if (snapshot.length <= snapshotCharactersMax) return snapshot;
  const [oldest = ''] = snapshot.split(':');
  return `${oldest}:${oldest}:`;
}

/** Undefined for what is no place of this stream. */
export function decodePlace(tag: string, id: string): Progress | undefined {
  const text = inflated(id);
  const [phase, bound, sent = '', ...parts] = text?.split('.') ?? [];
  if (bound !== tag || !/^\d{1,15}$/.test(sent)) return undefined;
  const place = placeOf(phase, parts);
  return place === undefined ? undefined : { place, sent: Number(sent) };
}

function placeOf(phase: string | undefined, parts: readonly string[]): Place | undefined {
  if (phase === 'e') return parts.length === 0 ? { phase: 'end' } : undefined;
  const [base = ''] = parts;
  if (!isSnapshot(base)) return undefined;
  if (phase === 's' && parts.length === 2) return snapshotPlace(base, parts[1] ?? '');
  return phase === 'c' ? chunksPlace(base, parts.slice(1)) : undefined;
}

function snapshotPlace(base: string, text: string): Place | undefined {
  if (text === '') return { phase: 'snapshot', base, after: undefined };
  const after = readValues(text);
  return after === undefined ? undefined : { phase: 'snapshot', base, after };
}

function chunksPlace(base: string, parts: readonly string[]): Place | undefined {
  const [to, at, chunk = '', position] = parts;
  if (to === undefined) return { phase: 'chunks', base, group: undefined };
  if (!isSnapshot(to)) return undefined;
  if (at === undefined) return { phase: 'chunks', base, group: { to, chunk: undefined } };
  if (!/^\d{1,17}$/.test(at) || !/^\d{1,9}$/.test(chunk) || parts.length !== 4) return undefined;
  const isDone = position === 'done';
  if (!isDone && !/^\d{1,19}$/.test(position ?? '')) return undefined;
  const inHand = { at, chunk: Number(chunk), position: isDone ? undefined : position };
  return { phase: 'chunks', base, group: { to, chunk: inHand } };
}

function isSnapshot(text: string): boolean {
  return /^\d{1,20}:\d{1,20}:(\d{1,20}(,\d{1,20})*)?$/.test(text);
}

function inflated(id: string): string | undefined {
  if (!id.startsWith('z.')) return id;
  try {
    const bytes = Buffer.from(id.slice(2), 'base64url');
    return inflateRawSync(bytes, { maxOutputLength: inflatedBytesMax }).toString();
  } catch {
    return undefined;
  }
}

function readValues(text: string): readonly string[] | undefined {
  try {
    const values: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    return Array.isArray(values) && values.every(isStorable) ? values : undefined;
  } catch {
    return undefined;
  }
}

function isStorable(value: unknown): value is string {
  return typeof value === 'string' && !value.includes('\0') && value.isWellFormed();
}
