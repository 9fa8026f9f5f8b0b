/**
 * The resource as it would be after `kubectl apply`, judged by the server in a dry run.
 *
 * A server-side apply under our own name judges every field, and adds or changes fields, but takes
 * none away that the manifest used to have: they belong to whoever applied it before. So that removed
 * fields show, the dry run is made in the name of that manager where there is one; for an object of
 * plain `kubectl apply`, which keeps the last manifest in an annotation, they are taken away here.
 */
import { isDeepStrictEqual } from 'node:util';
import { kinds } from '@millrace/crds';
import type { KubeApi, KubeObject, ResourceType } from '../../machinery/kube-api.ts';

const fieldManager = 'kubectl-millrace';
const lastAppliedAnnotation = 'kubectl.kubernetes.io/last-applied-configuration';

type Fields = Readonly<Record<string, unknown>>;

export async function afterApply(
  type: ResourceType,
  { held, object }: { readonly held: KubeObject | undefined; readonly object: KubeObject },
  api: Pick<KubeApi, 'apply'>,
): Promise<KubeObject> {
  const manager = held === undefined ? undefined : lastApplier(held);
  const result = await api.apply(type, object, {
    fieldManager: manager ?? fieldManager,
    force: true,
    dryRun: true,
  });
  if (held === undefined || manager !== undefined) return result;
  const last = lastManifest(held);
  const spec = withoutRemoved(last['spec'], object['spec'], result['spec']);
  if (isDeepStrictEqual(spec, result['spec'])) return result;
  return await judged(type, { held, object: { ...result, spec } });
}

/**
 * No dry run of the port takes a field away, so the server has not judged that; the checks of the
 * in-memory API, which are held to those of the server, do it instead.
 */
async function judged(
  type: ResourceType,
  { held, object }: { readonly held: KubeObject; readonly object: KubeObject },
): Promise<KubeObject> {
  const [{ admitted }, { ResourceKinds }, { customResourceDefinition }] = await Promise.all([
    import('../../memory/admission.ts'),
    import('../../memory/resource-kinds.ts'),
    import('@millrace/crds/crd-yaml'),
  ]);
  const known = new ResourceKinds(kinds.map(customResourceDefinition)).find(type);
  if (known === undefined) return object;
  return admitted(known, { ...object }, held) as unknown as KubeObject;
}

interface ManagedFields {
  readonly manager?: string;
  readonly operation?: string;
  readonly subresource?: string;
}

/** Who applied the object server-side, if anyone but the operator did. */
function lastApplier({ metadata }: KubeObject): string | undefined {
  const { managedFields = [] } = metadata as { readonly managedFields?: readonly ManagedFields[] };
  return managedFields.find(
    ({ manager = '', operation, subresource = '' }) =>
      operation === 'Apply' && subresource === '' && !manager.startsWith('millrace-'),
  )?.manager;
}

function lastManifest({ metadata }: KubeObject): Fields {
  const text = metadata.annotations?.[lastAppliedAnnotation];
  if (text === undefined) return {};
  try {
    return JSON.parse(text) as Fields;
  } catch {
    return {};
  }
}

/**
 * Fields go that the last manifest had and this one has not. Of lists only what this manifest says
 * stays: kubectl replaces them as a whole, where a server-side apply would unite them. Values are
 * those of the result, since the server has put in the defaults.
 */
function withoutRemoved(last: unknown, wanted: unknown, result: unknown): unknown {
  if (Array.isArray(wanted) && Array.isArray(result)) return onlyWanted(last, wanted, result);
  if (!isFields(wanted) || !isFields(result)) return result;
  const before = isFields(last) ? last : {};
  return Object.fromEntries(
    Object.entries(result)
      .filter(([name]) => name in wanted || !(name in before))
      .map(([name, value]) => [name, withoutRemoved(before[name], wanted[name], value)]),
  );
}

function onlyWanted(
  last: unknown,
  wanted: readonly unknown[],
  result: readonly unknown[],
): readonly unknown[] {
  const find = (items: unknown, like: unknown): unknown =>
    Array.isArray(items) ? items.find((item) => isSameItem(item, like)) : undefined;
  if (!wanted.every((item) => find(result, item) !== undefined)) return result;
  return wanted.map((item) => withoutRemoved(find(last, item), item, find(result, item)));
}

/** Objects by name, everything else by value. */
function isSameItem(a: unknown, b: unknown): boolean {
  if (!isFields(a) || !isFields(b)) return a === b;
  return a['name'] !== undefined && a['name'] === b['name'];
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
