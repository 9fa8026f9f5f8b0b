/**
 * What applying a manifest means for a resource that is there already; the decision is pure.
 *
 * One that has run to its end is run again as a new one: deleted, and created with a new uid. One
 * that has not, or has none, is resumed, with changed fields applied if they may change; if not, that
 * is refused, since it would mean two in one. What has ended so that a change lets it go on is not
 * run again but updated; its kind knows when.
 */
import { isDeepStrictEqual } from 'node:util';
import type { KubeObject } from '@millrace/operator/machinery/kube-api';
import { playKindOf } from './kinds/kinds.ts';
import { specOf } from './kinds/play-kind.ts';

export type ApplyDecision = 'create' | 'resume' | 'update' | 'runAgain' | 'refuse';

export function decideApply(existing: KubeObject | undefined, wanted: KubeObject): ApplyDecision {
  if (existing === undefined) return 'create';
  const kind = playKindOf(wanted);
  const specs = { before: specOf(existing), after: specOf(wanted) };
  const end = kind.runsToAnEnd ? kind.end(existing) : undefined;
  if (end !== undefined) return kind.goesOn(end, specs) ? 'update' : 'runAgain';
  if (movedFields(existing, wanted).length > 0) return 'refuse';
  return isDeepStrictEqual(specs.before, specs.after) ? 'resume' : 'update';
}

/** Names the fields that stand in the way, for the message. */
export function movedFields(existing: KubeObject, wanted: KubeObject): readonly string[] {
  const [before, after] = [specOf(existing), specOf(wanted)];
  return playKindOf(wanted)
    .fixed.filter((field) => !isDeepStrictEqual(before[field], after[field]))
    .map((field) => `spec.${field}`);
}
