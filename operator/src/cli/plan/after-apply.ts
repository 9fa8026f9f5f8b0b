/**
 * The resource as it would be after `kubectl apply`, judged by the server in a dry run.
 *
 * A server-side apply under our own name judges every field, and adds or changes fields, but takes
 * none away that the manifest used to have: they belong to whoever applied it before. So that removed
 * fields show, the dry run is made in the name of that manager where there is one; for an object of
 * plain `kubectl apply`, which keeps the last manifest in an annotation, its merge is done here.
 */
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
  return { ...result, spec: mergedSpec(last['spec'], object['spec'], held['spec']) };
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

/** Lists are replaced as a whole: so does the JSON merge patch that kubectl sends for custom resources. */
function mergedSpec(last: unknown, wanted: unknown, held: unknown): unknown {
  if (!isFields(wanted) || !isFields(held)) return wanted;
  const before = isFields(last) ? last : {};
  const kept = Object.entries(held).filter(([name]) => name in wanted || !(name in before));
  const merged = Object.entries(wanted).map(([name, value]) => [
    name,
    mergedSpec(before[name], value, held[name]),
  ]);
  return { ...Object.fromEntries(kept), ...Object.fromEntries(merged) };
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
