/**
 * What applying a manifest means for a resource that runs to an end; the decision is pure.
 *
 * A finished one is run again as a new import: deleted, and created with a new uid. An unfinished one
 * is resumed, with changed fields applied if they may change; if not, that is refused, since it would
 * mean two imports in one. A failed one whose rejects were raised is not run again but resumed, which
 * is what raising them is for.
 */
import { isDeepStrictEqual } from 'node:util';
import type { KubeObject } from '@millrace/operator/machinery/kube-api';
import { endOf } from './outcome.ts';

export type ApplyDecision = 'create' | 'resume' | 'update' | 'runAgain' | 'refuse';

/** As the schema's rules say; whatever is not here may change. */
const immutable = [
  'source',
  'format',
  'columns',
  'target',
  'chunkBytes',
  'maxRecordBytes',
] as const;

export function decideApply(existing: KubeObject | undefined, wanted: KubeObject): ApplyDecision {
  if (existing === undefined) return 'create';
  const before = specOf(existing);
  const after = specOf(wanted);
  const isMoved = immutable.some((field) => !isDeepStrictEqual(before[field], after[field]));
  const end = endOf(existing);
  if (end === undefined) {
    if (isMoved) return 'refuse';
    return isDeepStrictEqual(before, after) ? 'resume' : 'update';
  }
  const isRaised = !isMoved && !isDeepStrictEqual(before['rejects'], after['rejects']);
  return !end.isComplete && end.reason === 'TooManyRejects' && isRaised ? 'update' : 'runAgain';
}

/** Names the fields that stand in the way, for the message. */
export function movedFields(existing: KubeObject, wanted: KubeObject): readonly string[] {
  const [before, after] = [specOf(existing), specOf(wanted)];
  return immutable
    .filter((field) => !isDeepStrictEqual(before[field], after[field]))
    .map((field) => `spec.${field}`);
}

function specOf(object: KubeObject): Readonly<Record<string, unknown>> {
  const spec = object['spec'];
  return typeof spec === 'object' && spec !== null ? (spec as Record<string, unknown>) : {};
}
