/**
 * Which requests of a batch are repetitions of a committed one; asked and answered under the lock of
 * the partition's row, to which a request is always routed. That makes the answer final, whatever
 * Redis has forgotten.
 */
import type { Sql } from '../../connectors/postgres/database.ts';
import { entryTimeMs } from '../stream/entry-id.ts';
import type { RequestDigests } from '../stream/entry.ts';
import { entryName } from '../stream/names.ts';
import type { TakenEntry } from './batch.ts';
import { byteaArray } from './binary-array.ts';

export type Verdict = 'First' | 'Repeated' | 'Mismatch';

export interface RequestPlace {
  readonly pipeline: string;
  readonly partition: number;
  readonly incarnation: number;
  /** Unbounded where requests with a key are not taken any more. */
  readonly windowMs: number;
}

/**
 * The clocks of Redis and Postgres are compared here. Later than the window a key may be used anew;
 * a minute more is on the safe side of both.
 */
export const clockMarginMs = 60_000;

const knownSql = `
SELECT DISTINCT ON (request) request, payload,
  (1000 * extract(epoch FROM committed_at))::float8 AS committed_ms
FROM millrace.increment_requests WHERE pipeline = $1 AND request = ANY ($2::bytea[])
ORDER BY request, committed_at DESC`;

interface Known {
  readonly payload: Buffer;
  readonly committedMs: number;
}

/** By the entry's place in the batch; entries without a request have no verdict. */
export async function judgeRequests(
  tx: Sql,
  entries: readonly TakenEntry[],
  place: RequestPlace,
): Promise<ReadonlyMap<number, Verdict>> {
  const digests = new Map<string, Buffer>();
  for (const { request } of entries) {
    if (request !== undefined) digests.set(request.digest.toString('latin1'), request.digest);
  }
  if (digests.size === 0) return new Map();
  const { rows } = await tx.query<{ request: Buffer; payload: Buffer; committed_ms: number }>(
    knownSql,
    [place.pipeline, byteaArray([...digests.values()])],
  );
  const known = new Map<string, Known>(
    rows.map(({ request, payload, committed_ms: committedMs }) => [
      request.toString('latin1'),
      { payload, committedMs },
    ]),
  );
  const verdicts = new Map<number, Verdict>();
  for (const [at, { id, request }] of entries.entries()) {
    if (request !== undefined) verdicts.set(at, judge(request, { id, known, place }));
  }
  return verdicts;
}

interface Evidence {
  readonly id: string;
  /** Grows with every first appearance: a repetition may be in the same batch. */
  readonly known: Map<string, Known>;
  readonly place: RequestPlace;
}

function judge({ digest, payloadDigest }: RequestDigests, evidence: Evidence): Verdict {
  const { id, known, place } = evidence;
  const name = digest.toString('latin1');
  const before = known.get(name);
  const acceptedMs = entryTimeMs(id);
  if (before === undefined || acceptedMs > before.committedMs + place.windowMs + clockMarginMs) {
    known.set(name, { payload: payloadDigest, committedMs: Number.POSITIVE_INFINITY });
    return 'First';
  }
  return before.payload.equals(payloadDigest) ? 'Repeated' : 'Mismatch';
}

const insertSql = `
INSERT INTO millrace.increment_requests (pipeline, request, payload, entry, committed_at)
SELECT $1, request, payload, entry, now()
FROM unnest($2::bytea[], $3::bytea[], $4::text[]) AS new (request, payload, entry)`;

/** Remembers the first appearances. */
export async function insertRequests(
  tx: Sql,
  firsts: readonly (Pick<TakenEntry, 'id'> & { readonly request: RequestDigests })[],
  place: RequestPlace,
): Promise<void> {
  if (firsts.length === 0) return;
  await tx.query(insertSql, [
    place.pipeline,
    byteaArray(firsts.map(({ request }) => request.digest)),
    byteaArray(firsts.map(({ request }) => request.payloadDigest)),
    firsts.map(({ id }) => entryName(place, id)),
  ]);
}
