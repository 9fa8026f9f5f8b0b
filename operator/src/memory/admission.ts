/**
 * What a server does to an object before it is stored: defaults, then every check.
 *
 * All problems are reported at once, each with its path. Values never appear in a message: an
 * object may be a Secret.
 */
import type { KubeObject } from '../machinery/kube-api.ts';
import { KubeFailure } from '../machinery/kube-failure.ts';
import { builtInProblems, withBuiltInDefaults } from './built-in-checks.ts';
import { getAt, type JsonObject } from './field-paths.ts';
import { metadataProblems } from './metadata-checks.ts';
import type { Problem } from './problem.ts';
import type { ResourceKind } from './resource-kinds.ts';

/** The object with its defaults, or an `Invalid` failure that names every problem. */
export function admitted(
  kind: ResourceKind,
  object: JsonObject,
  before: KubeObject | undefined,
): JsonObject {
  const complete = withBuiltInDefaults(kind, object);
  const problems = [
    ...metadataProblems(kind, complete, before),
    ...builtInProblems(kind, complete, before),
  ];
  if (problems.length > 0) throw invalid(kind, complete, problems);
  return complete;
}

export function invalid(
  kind: ResourceKind,
  object: JsonObject,
  problems: readonly Problem[],
): KubeFailure {
  const list = problems.map(({ at, message }) => `${at}: ${message}`).join('; ');
  return new KubeFailure('Invalid', `${kind.kind} "${nameOf(object)}" is invalid: ${list}`);
}

function nameOf(object: JsonObject): string {
  const name = getAt(object, ['metadata', 'name']);
  return typeof name === 'string' ? name : '';
}
