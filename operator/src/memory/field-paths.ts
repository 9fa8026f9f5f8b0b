/**
 * JSON objects as sets of paths to leaves, which is how field ownership is kept.
 *
 * Scalars, lists and empty objects are leaves. Lists that a real server merges by element are turned
 * into maps before they come here, and back afterwards: see unfolding.ts.
 */

export interface JsonObject {
  [key: string]: unknown;
}
export type Path = readonly string[];

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A field of an object as an object; a new empty one when it is absent. */
export function objectAt(value: unknown, key: string): JsonObject {
  const field = isJsonObject(value) ? value[key] : undefined;
  return isJsonObject(field) ? field : {};
}

/** Paths are kept as JSON text: label keys hold dots and slashes. */
export function encodePath(path: Path): string {
  return JSON.stringify(path);
}

export function decodePath(encoded: string): Path {
  return JSON.parse(encoded) as string[];
}

/** Null means "not given", as absent does. */
export function leaves(value: unknown, at: Path = []): Path[] {
  if (value === undefined || value === null) return [];
  if (!isJsonObject(value)) return [at];
  const keys = Object.keys(value);
  if (keys.length === 0) return [at];
  return keys.flatMap((key) => leaves(value[key], [...at, key]));
}

export function getAt(value: unknown, path: Path): unknown {
  let current = value;
  for (const key of path) {
    if (!isJsonObject(current) || !Object.hasOwn(current, key)) return undefined;
    current = current[key];
  }
  return current;
}

/** Changes `target`; a scalar or list in the way gives room to an object. */
export function setAt(target: JsonObject, path: Path, value: unknown): void {
  let current = target;
  for (const key of path.slice(0, -1)) {
    const next = Object.hasOwn(current, key) ? current[key] : undefined;
    const child: JsonObject = isJsonObject(next) ? next : {};
    if (child !== next) define(current, key, child);
    current = child;
  }
  const last = path.at(-1);
  if (last === undefined) return;
  // An empty object asks only that there be an object: it never empties one that is there.
  const isKept = isJsonObject(value) && isJsonObject(getAt(current, [last]));
  if (!isKept) define(current, last, copied(value));
}

/** A copy of JSON. A structured clone can do more, and takes several times as long. */
export function copied<T>(value: T): T {
  return copyOfJson(value) as T;
}

function copyOfJson(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyOfJson);
  if (!isJsonObject(value)) return value;
  const copy: JsonObject = {};
  for (const key of Object.keys(value)) define(copy, key, copyOfJson(value[key]));
  return copy;
}

/** Plain assignment to `__proto__` would change the prototype instead of making a field. */
function define(target: JsonObject, key: string, value: unknown): void {
  if (key !== '__proto__') {
    target[key] = value;
    return;
  }
  Object.defineProperty(target, key, {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  });
}

/** Removes a leaf, then the containers that this leaves empty. */
export function unsetAt(target: JsonObject, path: Path): void {
  for (let depth = path.length; depth > 0; depth -= 1) {
    const parent = getAt(target, path.slice(0, depth - 1));
    const key = path[depth - 1];
    if (!isJsonObject(parent) || key === undefined) return;
    Reflect.deleteProperty(parent, key);
    if (Object.keys(parent).length > 0) return;
  }
}

export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const field of Object.values(value)) deepFreeze(field);
  }
  return value;
}
