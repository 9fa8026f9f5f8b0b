/** Names, labels, finalizers and owner references: the rules every object shares. */
import type { KubeObject } from '../machinery/kube-api.ts';
import { getAt, isJsonObject, objectAt, type JsonObject } from './field-paths.ts';
import type { Problem } from './problem.ts';
import type { ResourceKind } from './resource-kinds.ts';

const label = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const dnsLabel = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const qualifiedName =
  /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const labelValue = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;

export function metadataProblems(
  kind: ResourceKind,
  object: JsonObject,
  before: KubeObject | undefined,
): Problem[] {
  const metadata = objectAt(object, 'metadata');
  return [
    ...nameProblems(kind, metadata),
    ...labelProblems(metadata),
    ...ownerProblems(metadata),
    ...finalizerProblems(metadata, before),
  ];
}

/** The few without a namespace that are read or written here. */
const ofCluster: ReadonlySet<string> = new Set(['APIService', 'ClusterRoleBinding']);

function nameProblems(kind: ResourceKind, metadata: JsonObject): Problem[] {
  const problems: Problem[] = [];
  const name = metadata['name'];
  const namespace = metadata['namespace'];
  if (typeof name !== 'string' || !isName(kind, name)) {
    problems.push({ at: 'metadata.name', message: nameRule(kind) });
  }
  const isOfCluster = ofCluster.has(kind.kind) && namespace === '';
  if (
    !isOfCluster &&
    (typeof namespace !== 'string' || namespace.length > 63 || !label.test(namespace))
  ) {
    problems.push({
      at: 'metadata.namespace',
      message: 'must be lower-case letters, digits and dashes, at most 63 characters',
    });
  }
  return problems;
}

/** A Service's name is a host name; a Job's becomes a label of its pods. */
function isName(kind: ResourceKind, name: string): boolean {
  if (kind.kind === 'Service') return name.length <= 63 && dnsLabel.test(name);
  if (kind.kind === 'Job') return name.length <= 63 && subdomain.test(name);
  return name.length <= 253 && subdomain.test(name);
}

function nameRule(kind: ResourceKind): string {
  if (kind.kind === 'Service') {
    return 'must be lower-case letters, digits and dashes, start with a letter and have at most 63 characters';
  }
  const limit = kind.kind === 'Job' ? 63 : 253;
  return `must be lower-case letters, digits, dashes and dots, start and end with a letter or digit and have at most ${limit} characters`;
}

function labelProblems(metadata: JsonObject): Problem[] {
  const labels = Object.entries(objectAt(metadata, 'labels')).flatMap(([key, value]) => {
    const at = `metadata.labels[${key}]`;
    if (!qualifiedName.test(key)) return [{ at, message: keyRule }];
    return typeof value === 'string' && labelValue.test(value) ? [] : [{ at, message: valueRule }];
  });
  const annotations = Object.entries(objectAt(metadata, 'annotations')).flatMap(([key, value]) => {
    const at = `metadata.annotations[${key}]`;
    if (!qualifiedName.test(key)) return [{ at, message: keyRule }];
    return typeof value === 'string' ? [] : [{ at, message: 'must be a string: quote it' }];
  });
  return [...labels, ...annotations];
}

const keyRule =
  'the key must be a name of at most 63 characters, with an optional prefix and slash';
const valueRule =
  'must be a string of at most 63 letters, digits, dashes, dots and underscores, with a letter or digit at both ends';

function ownerProblems(metadata: JsonObject): Problem[] {
  const owners = metadata['ownerReferences'];
  if (owners === undefined) return [];
  if (!Array.isArray(owners))
    return [{ at: 'metadata.ownerReferences', message: 'must be a list' }];
  const problems = owners.flatMap((owner: unknown, index) =>
    ['apiVersion', 'kind', 'name', 'uid']
      .filter((field) => typeof getAt(owner, [field]) !== 'string' || getAt(owner, [field]) === '')
      .map((field) => ({
        at: `metadata.ownerReferences[${index}].${field}`,
        message: 'is required',
      })),
  );
  const controllers = owners.filter((owner: unknown) => getAt(owner, ['controller']) === true);
  if (controllers.length > 1) {
    problems.push({
      at: 'metadata.ownerReferences',
      message: 'only one owner may be the controller',
    });
  }
  return problems;
}

function finalizerProblems(metadata: JsonObject, before: KubeObject | undefined): Problem[] {
  const finalizers = Array.isArray(metadata['finalizers']) ? metadata['finalizers'] : [];
  const problems = finalizers.flatMap((name: unknown, index) =>
    typeof name === 'string' && qualifiedName.test(name)
      ? []
      : [{ at: `metadata.finalizers[${index}]`, message: keyRule }],
  );
  if (before?.metadata.deletionTimestamp === undefined) return problems;
  const known = new Set<unknown>(before.metadata.finalizers ?? []);
  if (finalizers.some((name: unknown) => !known.has(name))) {
    problems.push({
      at: 'metadata.finalizers',
      message: 'no finalizer can be added to an object that is being deleted',
    });
  }
  return problems;
}

/** Whether a selector's labels are all in the template that it must select. */
export function isSelectedBy(template: unknown, matchLabels: unknown): boolean {
  const labels = getAt(template, ['metadata', 'labels']);
  if (!isJsonObject(matchLabels) || !isJsonObject(labels)) return false;
  const wanted = Object.entries(matchLabels);
  return wanted.length > 0 && wanted.every(([key, value]) => labels[key] === value);
}
