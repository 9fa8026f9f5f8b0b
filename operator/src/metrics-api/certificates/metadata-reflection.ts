/**
 * The three functions of `Reflect` that @peculiar/x509 cannot be loaded without.
 *
 * Its dependency container keeps what decorators say in metadata, as an old proposal had it that no
 * engine has, and asks for a polyfill. It uses these three alone, on classes that nobody else sees;
 * a whole polyfill would be another package for forty lines. Must be imported before the library.
 * Whoever else has defined them first is left alone.
 */
const byTarget = new WeakMap<object, Map<unknown, unknown>>();

function getOwnMetadata(key: unknown, target: object): unknown {
  return byTarget.get(target)?.get(key);
}

/** Classes inherit what their parents were told. */
function getMetadata(key: unknown, target: object): unknown {
  for (let at: object | null = target; at !== null; at = Reflect.getPrototypeOf(at)) {
    if (byTarget.get(at)?.has(key) === true) return getOwnMetadata(key, at);
  }
  return undefined;
}

function defineMetadata(key: unknown, value: unknown, target: object): void {
  const held = byTarget.get(target) ?? new Map<unknown, unknown>();
  held.set(key, value);
  byTarget.set(target, held);
}

if (!('getMetadata' in Reflect)) {
  Object.assign(Reflect, { getOwnMetadata, getMetadata, defineMetadata });
}
