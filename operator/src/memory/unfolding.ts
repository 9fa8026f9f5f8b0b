/**
 * Lists with elements of their own as maps, so that ownership and merging see elements by key.
 *
 * `unfold` turns each such list into a map whose keys are the elements' keys, written as the API
 * writes them in managed fields: `k:{"name":"main"}` and `v:"text"`. A NUL before them keeps them
 * apart from any field or label. A list whose elements cannot be told apart stays one value. `fold`
 * undoes it.
 */
import { getAt, isJsonObject, type JsonObject, type Path } from './field-paths.ts';
import { keyDefaults, type ListType, type ListTypes } from './list-types.ts';

const mark = '\u0000';

export function unfold(object: JsonObject, lists: ListTypes): JsonObject {
  return Object.fromEntries(
    Object.entries(object).map(([key, value]) => [key, unfolded(value, [key], lists)]),
  );
}

export function isElementKey(key: string): boolean {
  return key.startsWith(mark);
}

/** As in managed fields: `k:{"name":"main"}`. */
export function elementKeyText(key: string): string {
  return key.slice(mark.length);
}

/** For people: `.spec.template.spec.containers[name="main"].image`. */
export function printPath(path: Path): string {
  return path.map(printKey).join('');
}

function printKey(key: string): string {
  if (!isElementKey(key)) return /^[A-Za-z0-9_-]+$/.test(key) ? `.${key}` : `[${key}]`;
  const text = elementKeyText(key);
  if (text.startsWith('v:')) return `[=${text.slice(2)}]`;
  const fields = Object.entries(JSON.parse(text.slice(2)) as JsonObject);
  return `[${fields.map(([field, value]) => `${field}=${JSON.stringify(value)}`).join(',')}]`;
}

function unfolded(value: unknown, path: Path, lists: ListTypes): unknown {
  if (Array.isArray(value)) return unfoldedList(value, path, lists);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, field]) => [key, unfolded(field, [...path, key], lists)]),
  );
}

function unfoldedList(list: readonly unknown[], path: Path, lists: ListTypes): unknown {
  const type = lists(path);
  const keys = list.map((element) => elementKey(element, type));
  const isKeyed = list.length > 0 && keys.every((key) => key !== undefined);
  if (!isKeyed || new Set(keys).size < list.length) return list;
  const elements = list.map((element, index) => [
    `${mark}${keys[index]}`,
    unfolded(element, [...path, '*'], lists),
  ]);
  return Object.fromEntries(elements) as JsonObject;
}

function elementKey(element: unknown, type: ListType): string | undefined {
  if (type === undefined) return undefined;
  if (type === 'set') return isJsonObject(element) ? undefined : `v:${JSON.stringify(element)}`;
  const fields = type.map((field): [string, unknown] => [
    field,
    getAt(element, [field]) ?? keyDefaults[field],
  ]);
  if (!fields.some(([field]) => getAt(element, [field]) !== undefined)) return undefined;
  const isWhole = fields.every(([, value]) => value !== undefined);
  return isWhole ? `k:${JSON.stringify(Object.fromEntries(fields))}` : undefined;
}

export function fold(value: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, foldedField(field)]));
}

function foldedField(field: unknown): unknown {
  if (!isJsonObject(field)) return field;
  const keys = Object.keys(field);
  if (keys.length === 0 || !keys.every(isElementKey)) return fold(field);
  return Object.values(field).map((element) => (isJsonObject(element) ? fold(element) : element));
}

/**
 * What goes when nobody owns this path any more: the whole element if the path is one of its keys,
 * because an element cannot be without them.
 */
export function removedWith(path: Path): Path {
  const element = path.at(-2) ?? '';
  if (!isElementKey(element)) return path;
  const text = elementKeyText(element);
  const keys = text.startsWith('k:') ? (JSON.parse(text.slice(2)) as JsonObject) : {};
  return Object.hasOwn(keys, path.at(-1) ?? '') ? path.slice(0, -1) : path;
}

/** The lists of `merged`, unfolded, in the order that an apply gives them. */
export function inMergedOrder(merged: JsonObject, live: unknown, applied: unknown): JsonObject {
  if (!isJsonObject(applied)) return merged;
  const isList = Object.keys(applied).some(isElementKey);
  const liveKeys = isJsonObject(live) ? Object.keys(live).filter((key) => key in merged) : [];
  const keys = isList ? mergedOrder(liveKeys, Object.keys(applied)) : Object.keys(merged);
  return Object.fromEntries(
    keys.map((key) => {
      const value = merged[key];
      const inner = isJsonObject(value)
        ? inMergedOrder(value, getAt(live, [key]), applied[key])
        : value;
      return [key, inner];
    }),
  );
}

/**
 * The order of a list after an apply, as keys: the applied elements in their own order, and those that
 * only the live list has after the one they stood behind, as far as that order allows.
 */
function mergedOrder(live: readonly string[], applied: readonly string[]): string[] {
  const isApplied = new Set(applied);
  const isLive = new Set(live);
  const shared = applied.filter((key) => isLive.has(key));
  const order: string[] = [];
  let at = 0;
  for (const key of applied) {
    // Shared elements that come later in the applied order are stepped over: their turn will come.
    const isTurn = key === shared[0];
    for (; at < live.length; at++) {
      const own = live[at] ?? '';
      if (!isApplied.has(own)) order.push(own);
      else if (own === shared[0]) break;
    }
    order.push(key);
    if (!isTurn) continue;
    shared.shift();
    if (live[at] === key) at++;
  }
  return [...order, ...live.slice(at).filter((key) => !isApplied.has(key))];
}
