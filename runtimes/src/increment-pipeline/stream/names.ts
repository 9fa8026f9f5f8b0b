/**
 * Every name that a pipeline has in Redis beside the counts of its rate limit, and the name that a
 * client is told for an entry.
 *
 * The hash tag puts all keys of a pipeline into one slot of a cluster, so that one script may write
 * several streams at once. The incarnation is part of a stream's key: what is appended to one that
 * has ended can never be mistaken for what came after it.
 */
export interface StreamPlace {
  readonly uid: string;
  readonly partition: number;
  readonly incarnation: number;
}

export function streamKey({ uid, partition, incarnation }: StreamPlace): string {
  return `millrace:{${uid}}:${partition}:${incarnation}`;
}

/** A hash: how many increments were ever appended to a stream. */
export function acceptedKey(uid: string): string {
  return `millrace:{${uid}}:accepted`;
}

export function acceptedField(place: Omit<StreamPlace, 'uid'>): string {
  return `${place.partition}:${place.incarnation}`;
}

/** A hash: request digest to payload digest and entry name. */
export function requestsKey(uid: string): string {
  return `millrace:{${uid}}:requests`;
}

/** A sorted set: the request digests by the time at which they were accepted. */
export function requestTimesKey(uid: string): string {
  return `millrace:{${uid}}:request-times`;
}

/** As clients see it, and as the ledger keeps it. */
export function entryName(place: Omit<StreamPlace, 'uid'>, id: string): string {
  return `${place.partition}-${place.incarnation}-${id}`;
}

export interface EntryName {
  readonly partition: number;
  readonly incarnation: number;
  readonly id: string;
}

export function parseEntryName(name: string): EntryName | undefined {
  const match = /^(\d{1,3})-(\d{1,10})-(\d{1,20}-\d{1,20})$/.exec(name);
  const [, partition, incarnation, id] = match ?? [];
  if (partition === undefined || incarnation === undefined || id === undefined) return undefined;
  return { partition: Number(partition), incarnation: Number(incarnation), id };
}
