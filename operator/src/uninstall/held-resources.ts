/**
 * What an uninstall would leave behind: resources that go on running without an operator, and those
 * among them that nobody but an operator can let go of.
 */
import type { Kind } from '@millrace/crds/define-kind';
import { group } from '@millrace/crds/define-kind';
import type { KubeApi, KubeObject } from '../machinery/kube-api.ts';
import { KubeFailure } from '../machinery/kube-failure.ts';

export interface Left {
  readonly resources: number;
  readonly held: number;
  /** `csvimport team/users`, the first of those that are held. */
  readonly examples: readonly string[];
}

/** A name each on a line fits a screen; more is told as a number. */
const examplesMax = 10;

export interface Place {
  readonly api: Pick<KubeApi, 'list'>;
  readonly kinds: readonly Kind[];
  /** Empty means all. */
  readonly namespaces: readonly string[];
}

export async function leftBehind({ api, kinds, namespaces }: Place): Promise<Left> {
  const scopes = namespaces.length === 0 ? [{}] : namespaces.map((namespace) => ({ namespace }));
  let resources = 0;
  let held = 0;
  const examples: string[] = [];
  for (const kind of kinds) {
    for (const scope of scopes) {
      const items = await listed(api, kind, scope);
      const stuck = items.filter(isHeld);
      resources += items.length;
      held += stuck.length;
      const room = examplesMax - examples.length;
      examples.push(...stuck.slice(0, room).map((object) => called(kind, object)));
    }
  }
  return { resources, held, examples };
}

/** A kind whose definition is gone has no resources either. */
async function listed(
  api: Pick<KubeApi, 'list'>,
  { apiVersion, kind, plural }: Kind,
  scope: { readonly namespace?: string },
): Promise<readonly KubeObject[]> {
  try {
    return (await api.list({ apiVersion, kind, plural }, { ...scope, trim: metadataOnly })).items;
  } catch (error) {
    if (error instanceof KubeFailure && error.reason === 'NotFound') return [];
    throw error;
  }
}

function metadataOnly({ apiVersion, kind, metadata }: KubeObject): KubeObject {
  const { namespace, name, finalizers = [] } = metadata;
  return { apiVersion, kind, metadata: { namespace, name, finalizers } };
}

/** Finalizers of others are theirs to take away, and they are still there to do it. */
function isHeld({ metadata }: KubeObject): boolean {
  return metadata.finalizers?.some((name) => name.startsWith(`${group}/`)) ?? false;
}

function called({ singular }: Kind, { metadata }: KubeObject): string {
  return `${singular} ${metadata.namespace}/${metadata.name}`;
}
