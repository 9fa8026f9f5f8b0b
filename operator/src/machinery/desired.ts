/**
 * Whether an object in the cluster already is what a plan wants, without asking the API.
 *
 * Two questions, both needed. Does it hold every field that is wanted, at the wanted value? That
 * finds what somebody else changed, and ignores defaults and fields of others. And was it made from
 * this very wish? That finds fields that are no longer wanted; the digest of the wish is kept in an
 * annotation for it. A false "no" costs one apply that changes nothing; there is no false "yes".
 */
import { createHash } from 'node:crypto';
import type { KubeObject } from './kube-api.ts';

export const digestAnnotation = 'millrace.dev/applied-digest';

/** The object with the digest of its own content in its annotations. */
export function withDigest(object: KubeObject): KubeObject {
  const digest = createHash('sha256').update(JSON.stringify(object)).digest('hex').slice(0, 16);
  const annotations = { ...object.metadata.annotations, [digestAnnotation]: digest };
  return { ...object, metadata: { ...object.metadata, annotations } };
}

export function isAsWanted(wanted: KubeObject, held: KubeObject): boolean {
  return differences(wanted, held).length === 0;
}

/** Whether the object was made from this very wish; both with their digests. */
export function isSameWish(wanted: KubeObject, held: KubeObject): boolean {
  const digestOf = ({ metadata }: KubeObject) => metadata.annotations?.[digestAnnotation];
  return digestOf(wanted) !== undefined && digestOf(wanted) === digestOf(held);
}

/** Fields, and places in lists, from the top. */
export type Path = readonly (string | number)[];

/** Where the object does not hold what is wanted. */
export function differences(wanted: unknown, held: unknown, at: Path = []): readonly Path[] {
  if (Array.isArray(wanted)) {
    if (!Array.isArray(held) || held.length !== wanted.length) return [at];
    return wanted.flatMap((item, index) => differences(item, held[index], [...at, index]));
  }
  if (typeof wanted === 'object' && wanted !== null) {
    if (typeof held !== 'object' || held === null) {
      return Object.keys(wanted).length === 0 ? [] : [at];
    }
    const fields = held as Record<string, unknown>;
    return Object.entries(wanted).flatMap(([field, value]) =>
      differences(value, fields[field], [...at, field]),
    );
  }
  return wanted === held ? [] : [at];
}
