/**
 * Everything an operator is responsible for, as text that is equal when it is the same.
 *
 * Left out is only what must differ between two runs: times, versions, who of several lives did what
 * last (`status.plan`, since a killed life cannot tell the next what it had just changed), and how a
 * number was found (`status.recommendation`, whose figures are those of the last look of a life; the
 * number itself is in `status.workers`, and is what replicas are). Uids
 * are compared: the world gives the first of a name the same one in every run, so that a reference to
 * a predecessor shows, and so does an object made once too often.
 */
import type { KubeObject, ResourceType } from '../../src/machinery/kube-api.ts';
import type { MemoryApi } from '../../src/memory/memory-api.ts';

/** One line for each object, by its name. */
export type EndState = ReadonlyMap<string, string>;

export async function endState(api: MemoryApi, types: readonly ResourceType[]): Promise<EndState> {
  const lists = await Promise.all(types.map((type) => api.list(type)));
  const objects = lists.flatMap(({ items }) => items);
  return new Map(objects.map((object) => [nameOf(object), comparable(object)]));
}

function nameOf({ kind, metadata }: KubeObject): string {
  return `${kind}/${metadata.name}`;
}

const ofRuns: ReadonlySet<string> = new Set([
  'creationTimestamp',
  'lastTransitionTime',
  'resourceVersion',
  'time',
  'since',
  'at',
  'plan',
  'recommendation',
]);

/** Objects of the world never change; most are the same from step to step, and from run to run. */
const texts = new WeakMap<KubeObject, string>();

function comparable(object: KubeObject): string {
  const text =
    texts.get(object) ??
    JSON.stringify(object, (field, value: unknown) => {
      if (ofRuns.has(field)) return undefined;
      return field === 'scaling' ? withoutReason(value) : value;
    });
  texts.set(object, text);
  return text;
}

/** Why a number was told is of the look that led to it, as the recommendation is. */
function withoutReason(scaling: unknown): unknown {
  const { why: _why, ...told } = scaling as { readonly why?: unknown };
  return told;
}

/** What differs, shortest useful form; undefined if nothing does. */
export function difference(actual: EndState, expected: EndState): string | undefined {
  for (const name of new Set([...expected.keys(), ...actual.keys()])) {
    const [is, should] = [actual.get(name), expected.get(name)];
    if (is === should) continue;
    if (is === undefined) return `${name} is missing`;
    if (should === undefined) return `${name} should not exist`;
    const at = firstDifference(is, should);
    return `${name} is …${excerpt(is, at)}… and should be …${excerpt(should, at)}…`;
  }
  return undefined;
}

function firstDifference(a: string, b: string): number {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at++;
  return at;
}

function excerpt(text: string, at: number): string {
  return text.slice(Math.max(0, at - 60), at + 60);
}
