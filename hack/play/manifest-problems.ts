/**
 * What an API server would refuse in a manifest, found before anything is started: the checks of the
 * in-memory API itself, each problem with the line it stands on.
 */
import { customResourceDefinition } from '@millrace/crds/crd-yaml';
import { kinds } from '@millrace/crds';
import { builtInProblems } from '@millrace/operator/memory/built-in-checks';
import type { JsonObject } from '@millrace/operator/memory/field-paths';
import { metadataProblems } from '@millrace/operator/memory/metadata-checks';
import type { Problem } from '@millrace/operator/memory/problem';
import { ResourceKinds } from '@millrace/operator/memory/resource-kinds';
import { ruleProblems } from '@millrace/operator/memory/schema/cel';
import { schemaProblems } from '@millrace/operator/memory/schema/value-checks';
import type { Manifest } from './manifests.ts';

export const definitions = kinds.map(customResourceDefinition);

/** Lines such as `users.yaml:12: spec.workers.max: must be at least 1.` */
export function manifestProblems(manifest: Manifest): readonly string[] {
  return problemsOf(manifest).map(({ at, message }) => {
    // An API server reports an unknown field for the whole object and names it in the message.
    const named = /^unknown field "(?<path>[^"]+)"/.exec(message)?.groups?.['path'];
    const text = at === '' ? message : `${at}: ${message}`;
    return `${manifest.whereIs(named ?? at)}: ${text}`;
  });
}

function problemsOf(manifest: Manifest): readonly Problem[] {
  const kind = new ResourceKinds(definitions).get(manifest.type);
  const object: JsonObject = { ...manifest.object };
  const problems = metadataProblems(kind, object, undefined);
  if (kind.custom === undefined) return [...problems, ...builtInProblems(kind, object, undefined)];
  const { schema, programs } = kind.custom;
  const ofValues = [...problems, ...schemaProblems({ schema, at: '' }, object)];
  if (ofValues.length > 0) return ofValues;
  return ruleProblems(programs, { schema, at: '', value: object, old: undefined });
}
