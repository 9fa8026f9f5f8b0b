/**
 * What somebody else has changed in an object of ours, and who: asked only when a difference was
 * found, since it needs the field owners, which caches do not keep.
 *
 * Drift is a difference from a wish that has not changed. If the wish has, the difference is our own
 * doing. Who: the managers, other than ours, that own a field which differs. Whoever merely removed
 * a field owns nothing, so there may be nobody to name. Values are never told, only paths.
 */
import { differences, type Path } from './desired.ts';
import type { EventNote } from './events.ts';
import type { KubeObject, ObjectRef, ResourceType } from './kube-api.ts';

export interface FoundDrift {
  readonly type: ResourceType;
  readonly ref: ObjectRef;
  /** Field managers, sorted; empty when the server knows none. */
  readonly by: readonly string[];
  /** Such as `spec.template.spec.containers[0].image`; the first few. */
  readonly fields: readonly string[];
}

interface ManagedFields {
  readonly manager?: string;
  readonly fieldsV1?: FieldSet;
}

/** `f:<field>`, `k:<keys of a list item>`, `v:<value>`, `i:<index>`, and `.` for the thing itself. */
interface FieldSet {
  readonly [entry: string]: FieldSet;
}

const fieldsMax = 5;

/** Undefined when the live object is as wanted after all. */
export function driftOf(
  {
    type,
    wanted,
    live,
  }: {
    readonly type: ResourceType;
    readonly wanted: KubeObject;
    readonly live: KubeObject;
  },
  ours: readonly string[],
): FoundDrift | undefined {
  const paths = differences(wanted, live);
  if (paths.length === 0) return undefined;
  const {
    namespace,
    name,
    managedFields = [],
  } = live.metadata as KubeObject['metadata'] & {
    readonly managedFields?: readonly ManagedFields[];
  };
  const by = managedFields
    .filter(({ fieldsV1 = {} }) => paths.some((path) => owns(fieldsV1, path, live)))
    .flatMap(({ manager }) => manager ?? [])
    .filter((manager) => !ours.includes(manager));
  return {
    type,
    ref: { namespace, name },
    by: [...new Set(by)].toSorted(),
    fields: paths.slice(0, fieldsMax).map(pathText),
  };
}

export function driftNote(regarding: KubeObject, { type, ref, by, fields }: FoundDrift): EventNote {
  const who = by.length === 0 ? 'Somebody' : by.join(', ');
  return {
    regarding,
    type: 'Warning',
    reason: 'DriftCorrected',
    note: `${who} had changed ${fields.join(', ')} of ${type.kind} ${ref.name}; it was put back.`,
    action: 'Apply',
  };
}

/** Whether the set has the path, something below it, or something whole above it. */
function owns(set: FieldSet, path: Path, live: unknown): boolean {
  const [step, ...rest] = path;
  if (step === undefined) return true;
  const below = (live as Readonly<Record<string | number, unknown>> | undefined)?.[step];
  const entry =
    typeof step === 'string' ? set[`f:${step}`] : entryOfItem(set, { index: step, item: below });
  if (entry === undefined) return false;
  if (Object.keys(entry).length === 0) return true;
  return owns(entry, rest, below);
}

function entryOfItem(
  set: FieldSet,
  { index, item }: { readonly index: number; readonly item: unknown },
): FieldSet | undefined {
  const entries = Object.entries(set);
  return entries.find(([entry]) => {
    if (entry.startsWith('k:')) return hasKeys(item, entry.slice(2));
    if (entry.startsWith('v:')) return entry.slice(2) === JSON.stringify(item);
    return entry === `i:${index}`;
  })?.[1];
}

function hasKeys(item: unknown, keys: string): boolean {
  if (typeof item !== 'object' || item === null) return false;
  const fields = item as Readonly<Record<string, unknown>>;
  const wanted = JSON.parse(keys) as Readonly<Record<string, unknown>>;
  return Object.entries(wanted).every(([key, value]) => fields[key] === value);
}

function pathText(path: Path): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`;
    return text === '' ? step : `${text}.${step}`;
  }, '');
}
