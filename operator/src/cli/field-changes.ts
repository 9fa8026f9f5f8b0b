/**
 * Which fields differ between two states of an object, for people: without what the API server keeps
 * for itself, list items matched by name, and JSON that is kept as text compared field by field.
 * Values of Secrets are never told.
 */
import { digestAnnotation } from '../machinery/desired.ts';

export interface FieldChange {
  /** Such as `spec.template.spec.containers[worker].image`. */
  readonly path: string;
  /** Undefined where the field is not there. */
  readonly before: unknown;
  readonly after: unknown;
}

type Fields = Readonly<Record<string, unknown>>;

const systemMetadata = new Set([
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'managedFields',
  'selfLink',
]);

export function fieldChanges(
  before: object | undefined,
  after: object | undefined,
): readonly FieldChange[] {
  const changes = difference('', visible(before), visible(after));
  const isSecret = [before, after].some(
    (object) => (object as Fields | undefined)?.['kind'] === 'Secret',
  );
  return isSecret ? changes.map(withoutValue) : changes;
}

/** `"a" → "b"`; long values are cut, since the path says where to look. */
export function changeText({ path, before, after }: FieldChange): string {
  return `${path}: ${valueText(before)} → ${valueText(after)}`;
}

const valueCharactersMax = 72;

function valueText(value: unknown): string {
  if (value === undefined) return '(none)';
  if (value === hidden) return hidden;
  const text = JSON.stringify(value);
  return text.length <= valueCharactersMax ? text : `${text.slice(0, valueCharactersMax - 1)}…`;
}

const hidden = '(hidden)';

function withoutValue(change: FieldChange): FieldChange {
  if (!/^(data|stringData)\b/.test(change.path)) return change;
  const hide = (value: unknown): unknown => (value === undefined ? undefined : hidden);
  return { path: change.path, before: hide(change.before), after: hide(change.after) };
}

function visible(object: object | undefined): Fields {
  const { apiVersion: _a, kind: _k, status: _s, metadata, ...rest } = (object ?? {}) as Fields;
  const { annotations, ...kept } = Object.fromEntries(
    Object.entries((metadata ?? {}) as Fields).filter(([field]) => !systemMetadata.has(field)),
  );
  const told = Object.entries((annotations ?? {}) as Fields).filter(
    ([name]) => name !== digestAnnotation,
  );
  const shown = told.length === 0 ? kept : { ...kept, annotations: Object.fromEntries(told) };
  return Object.keys(shown).length === 0 ? rest : { metadata: shown, ...rest };
}

function difference(path: string, before: unknown, after: unknown): readonly FieldChange[] {
  const [held, wanted] = [parsed(before), parsed(after)];
  if (isFields(held) && isFields(wanted)) {
    const names = new Set([...Object.keys(held), ...Object.keys(wanted)]);
    return [...names].flatMap((name) => difference(joined(path, name), held[name], wanted[name]));
  }
  if (Array.isArray(held) && Array.isArray(wanted)) {
    const [left, right] = [byName(held), byName(wanted)];
    if (left !== undefined && right !== undefined) {
      const names = new Set([...left.keys(), ...right.keys()]);
      return [...names].flatMap((name) =>
        difference(`${path}[${name}]`, left.get(name), right.get(name)),
      );
    }
  }
  return JSON.stringify(before) === JSON.stringify(after) ? [] : [{ path, before, after }];
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The content of a text that is a JSON object, such as a file in a ConfigMap. */
function parsed(value: unknown): unknown {
  if (typeof value !== 'string' || !value.startsWith('{')) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

/** Undefined unless every item has a name of its own. */
function byName(items: readonly unknown[]): ReadonlyMap<string, unknown> | undefined {
  const named = new Map<string, unknown>();
  for (const item of items) {
    const name = isFields(item) ? item['name'] : undefined;
    if (typeof name !== 'string' || named.has(name)) return undefined;
    named.set(name, item);
  }
  return named;
}

function joined(path: string, name: string): string {
  if (!/^[A-Za-z0-9_-]+$/.test(name)) return `${path}[${JSON.stringify(name)}]`;
  return path === '' ? name : `${path}.${name}`;
}
