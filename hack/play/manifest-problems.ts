/**
 * What an API server would refuse in a manifest, found before anything is started: the checks of the
 * in-memory API itself, each problem with the line it stands on.
 */
import { customResourceDefinition } from '@millrace/crds/crd-yaml';
import { kinds } from '@millrace/crds';
import { examined } from '@millrace/operator/memory/admission';
import { ResourceKinds } from '@millrace/operator/memory/resource-kinds';
import type { Manifest } from './manifests.ts';

export const definitions = kinds.map(customResourceDefinition);

/** Lines such as `users.yaml:12: spec.workers.max: must be at least 1.` */
export function manifestProblems(manifest: Manifest): readonly string[] {
  const kind = new ResourceKinds(definitions).get(manifest.type);
  const { problems } = examined(kind, { ...manifest.object }, undefined);
  return problems.map(({ at, message }) => {
    // An API server reports an unknown field for the whole object and names it in the message.
    const named = /^unknown field "(?<path>[^"]+)"/.exec(message)?.groups?.['path'];
    const text = at === '' ? message : `${at}: ${message}`;
    return `${manifest.whereIs(named ?? at)}: ${text}`;
  });
}
