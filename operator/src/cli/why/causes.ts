/** One cause, and the troubles of many objects told as few of them: what is alike is said once. Pure. */
import type { KubeObject } from '../../machinery/kube-api.ts';
import { podTrouble } from './pod-troubles.ts';
import { workloadTrouble } from './workload-troubles.ts';

export interface Cause {
  readonly what: string;
  /** `Secret/millrace-backends` */
  readonly object?: string | undefined;
  readonly sinceMs?: number | undefined;
  /** When it is tried again, or what to do. */
  readonly next?: string | undefined;
  /** What is behind it. */
  readonly because: readonly Cause[];
}

export function troubles(objects: readonly KubeObject[], now: number): readonly Cause[] {
  const groups = new Map<string, { readonly cause: Cause; readonly names: string[] }>();
  for (const object of objects) {
    const trouble = object.kind === 'Pod' ? podTrouble(object, now) : workloadTrouble(object);
    if (trouble === undefined) continue;
    const key = trouble.what.replaceAll(object.metadata.name, '');
    const held = groups.get(key);
    if (held !== undefined) {
      held.names.push(object.metadata.name);
      continue;
    }
    const cause = { ...trouble, object: nameOf(object), because: [] };
    groups.set(key, { cause, names: [object.metadata.name] });
  }
  return [...groups.values()].map(({ cause, names }) => {
    const { kind } = splitObject(cause.object ?? '');
    const who =
      names.length === 1
        ? `${kind} ${names[0] ?? ''}`
        : `${names.length} ${kind}s (${names.join(', ')}), each`;
    return { ...cause, what: `${who} ${cause.what}${/[.!?]$/.test(cause.what) ? '' : '.'}` };
  });
}

export function nameOf({ kind, metadata }: KubeObject): string {
  return `${kind}/${metadata.name}`;
}

export function splitObject(object: string): { readonly kind: string; readonly name: string } {
  const slash = object.indexOf('/');
  return { kind: object.slice(0, slash), name: object.slice(slash + 1) };
}
