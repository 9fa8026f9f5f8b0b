/**
 * Server-side apply: who set which field, and what a new configuration of one manager changes.
 *
 * A manager owns the leaves it applied last. Applying again sets the named leaves, and removes those
 * it owned and names no longer, unless somebody else owns them too. A leaf that another manager owns
 * with another value is a conflict; with `force` it changes hands. Writes that are no apply (create,
 * patch) own what they change, as on a real server.
 */
import { isDeepStrictEqual } from 'node:util';
import { KubeFailure } from '../machinery/kube-failure.ts';
import {
  copied,
  decodePath,
  encodePath,
  getAt,
  isJsonObject,
  leaves,
  setAt,
  unsetAt,
  type JsonObject,
  type Path,
} from './field-paths.ts';
import type { ListTypes } from './list-types.ts';
import { fold, inMergedOrder, printPath, removedWith, unfold } from './unfolding.ts';

/** Encoded paths by manager key. */
export type Owners = ReadonlyMap<string, ReadonlySet<string>>;
export type Subresource = '' | 'status' | 'scale';

export interface Configuration {
  readonly live: JsonObject;
  readonly owners: Owners;
  /** Only the fields that the manager may set: no name, uid or other part of the system's own. */
  readonly applied: JsonObject;
  readonly manager: string;
  readonly force: boolean;
  readonly lists: ListTypes;
}

export interface Owned {
  readonly object: JsonObject;
  readonly owners: Owners;
}

/** One name is another manager through another subresource, as on a real server. */
export function managerKey(fieldManager: string, subresource: Subresource): string {
  return JSON.stringify([fieldManager, 'Apply', subresource]);
}

/** Whoever writes without server-side apply. */
export const updateManager = JSON.stringify(['millrace', 'Update', '']);

export function applyConfiguration(configuration: Configuration): Owned {
  const { lists } = configuration;
  const live = unfold(configuration.live, lists);
  const applied = unfold(configuration.applied, lists);
  const owners = new Map([...configuration.owners].map(([key, paths]) => [key, new Set(paths)]));
  const given = leaves(applied);

  settleConflicts({ live, applied, given, owners, configuration });
  const named = new Set(given.map(encodePath));
  const before = owners.get(configuration.manager) ?? new Set<string>();
  if (named.size > 0) owners.set(configuration.manager, named);
  else owners.delete(configuration.manager);

  const object = copied(live);
  for (const path of before) {
    const isOwned = [...owners.values()].some((paths) => paths.has(path));
    if (isOwned || isFilled(getAt(object, decodePath(path)))) continue;
    const removed = removedWith(decodePath(path));
    unsetAt(object, removed);
    if (removed.length < decodePath(path).length) disown(owners, removed);
  }
  for (const path of given) setAt(object, path, getAt(applied, path));
  return { object: fold(inMergedOrder(object, live, applied)), owners };
}

/** Whoever patched a field of an element loses it with the element. */
function disown(owners: Map<string, Set<string>>, container: Path): void {
  for (const [manager, paths] of owners) {
    for (const path of paths) if (isInside(decodePath(path), container)) paths.delete(path);
    if (paths.size === 0) owners.delete(manager);
  }
}

/** Applied as an empty object, it may hold fields of others by now. */
function isFilled(value: unknown): boolean {
  return isJsonObject(value) && Object.keys(value).length > 0;
}

interface Settlement {
  readonly live: JsonObject;
  readonly applied: JsonObject;
  readonly given: readonly Path[];
  readonly owners: Map<string, Set<string>>;
  readonly configuration: Configuration;
}

function settleConflicts(settlement: Settlement): void {
  const { live, applied, given, owners, configuration } = settlement;
  const conflicts: string[] = [];
  for (const [manager, paths] of owners) {
    if (manager === configuration.manager) continue;
    const taken = given.flatMap((path) =>
      pathsChanged(live, paths, { path, value: getAt(applied, path) }),
    );
    for (const path of taken) {
      conflicts.push(`conflict with ${managerName(manager)}: ${printPath(decodePath(path))}`);
      paths.delete(path);
    }
    if (paths.size === 0) owners.delete(manager);
  }
  if (conflicts.length === 0 || configuration.force) return;
  const count = conflicts.length === 1 ? '1 conflict' : `${conflicts.length} conflicts`;
  throw new KubeFailure('Conflict', `apply failed with ${count}: ${conflicts.join(', ')}`);
}

interface Write {
  readonly path: Path;
  readonly value: unknown;
}

/** The owned paths whose value this write changes. */
function pathsChanged(live: JsonObject, owned: ReadonlySet<string>, write: Write): string[] {
  const { path, value } = write;
  const current = getAt(live, path);
  const encoded = encodePath(path);
  if (owned.has(encoded)) return isDeepStrictEqual(current, value) ? [] : [encoded];

  // A scalar or list that becomes an object, or the reverse: whoever owned the other shape loses it.
  const above = path
    .map((_, depth) => path.slice(0, depth))
    .filter((prefix) => owned.has(encodePath(prefix)) && !isJsonObject(getAt(live, prefix)))
    .map(encodePath);
  if (!isJsonObject(current) || isJsonObject(value)) return above;
  const inside = [...owned].filter((other) => isInside(decodePath(other), path));
  return [...above, ...inside];
}

function isInside(path: Path, container: Path): boolean {
  return path.length > container.length && container.every((key, depth) => path[depth] === key);
}

function managerName(key: string): string {
  const [manager, , subresource = ''] = decodePath(key);
  return subresource === '' ? `"${manager}"` : `"${manager}" with subresource "${subresource}"`;
}

/** Ownership after a write that is no apply: what it changed is the writer's, what it removed nobody's. */
export function ownersAfterUpdate(
  before: JsonObject,
  after: JsonObject,
  { owners, lists }: { readonly owners: Owners; readonly lists: ListTypes },
): Owners {
  const from = unfold(before, lists);
  const to = unfold(after, lists);
  const changed = new Set(
    leaves(to)
      .filter((path) => !isDeepStrictEqual(getAt(from, path), getAt(to, path)))
      .map(encodePath),
  );
  const result = new Map<string, Set<string>>();
  for (const [manager, paths] of owners) {
    const kept = [...paths].filter(
      (path) => !changed.has(path) && getAt(to, decodePath(path)) !== undefined,
    );
    if (kept.length > 0) result.set(manager, new Set(kept));
  }
  if (changed.size > 0) {
    result.set(updateManager, new Set([...(result.get(updateManager) ?? []), ...changed]));
  }
  return result;
}
