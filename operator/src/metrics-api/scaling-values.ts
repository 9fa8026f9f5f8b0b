/**
 * What each resource is said to need, by its status, as far as this replica can vouch for it.
 *
 * Of every resource only `status.scaling` is kept. `at` is when the operator decided, and a decision
 * stands until the next one: a constant backlog needs the same workers for a week, so the age of a
 * value says nothing against it. Too old is what may have been overtaken without our knowing: when a
 * watch has been down for two minutes, nothing of that kind is vouched for. An autoscaler that is
 * told nothing leaves its target as it is, which is also what it would do on a value that no longer
 * moves; told an outdated one it would act on it.
 */
import type { Kind } from '@millrace/crds/define-kind';
import type { Clock } from '@millrace/kit/clock';
import type { KubeApi, KubeObject, ListOptions } from '../machinery/kube-api.ts';
import { keyOf } from '../machinery/object-key.ts';
import { Reflector, type ReflectorEvents } from '../machinery/reflector.ts';
import { Store } from '../machinery/store.ts';

/** That of the operator's readiness: shorter outages are answered by the back-off of the watches. */
export const staleMsMax = 2 * 60_000;

export interface ScalingValue {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** Workers needed, in thousandths. */
  readonly milli: number;
  /** RFC 3339, as the operator wrote it. */
  readonly at: string;
}

export type Found =
  | { readonly found: 'value'; readonly value: ScalingValue }
  | { readonly found: 'nothing' }
  /** Not known yet, or not any more. */
  | { readonly found: 'outdated'; readonly why: string };

export interface ScalingValuesOptions {
  readonly api: Pick<KubeApi, 'list' | 'watch'>;
  readonly kinds: readonly Pick<Kind, 'apiVersion' | 'kind' | 'plural'>[];
  /** Namespaces to know; empty means all. */
  readonly namespaces: readonly string[];
  readonly clock: Clock;
  readonly events: ReflectorEvents;
}

interface Watched {
  readonly kind: string;
  readonly plural: string;
  readonly store: Store;
  readonly reflectors: readonly Reflector[];
  readonly filled: Promise<unknown>;
  isFilled: boolean;
}

export class ScalingValues {
  /** Resolves when every kind has been listed. */
  readonly filled: Promise<unknown>;
  readonly #watched: readonly Watched[];

  constructor(options: ScalingValuesOptions) {
    this.#watched = options.kinds.map((kind) => watched(kind, options));
    this.filled = Promise.all(this.#watched.map(async (each) => await each.filled));
  }

  /** Runs until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const reflectors = this.#watched.flatMap((each) => each.reflectors);
    await Promise.all(reflectors.map(async (reflector) => await reflector.run(signal)));
  }

  /** Which kinds cannot be vouched for now, each with why. */
  problems(): readonly string[] {
    return this.#watched.flatMap((each) => outdated(each) ?? []);
  }

  staleMs(): ReadonlyMap<string, number> {
    return new Map(this.#watched.map((each) => [each.plural, staleMsOf(each)]));
  }

  byKind(kind: string, namespace: string, name: string): Found {
    const held = this.#watched.find((each) => each.kind === kind);
    return held === undefined ? { found: 'nothing' } : find(held, { namespace, name });
  }

  byPlural(plural: string, namespace: string, name: string): Found {
    const held = this.#watched.find((each) => each.plural === plural);
    return held === undefined ? { found: 'nothing' } : find(held, { namespace, name });
  }
}

function watched(kind: ScalingValuesOptions['kinds'][number], options: ScalingValuesOptions) {
  const { api, clock, events, namespaces } = options;
  const store = new Store({ trim: trimToScaling });
  const scopes: ListOptions[] =
    namespaces.length === 0 ? [{}] : namespaces.map((namespace) => ({ namespace }));
  const { apiVersion, plural } = kind;
  const type = { apiVersion, kind: kind.kind, plural };
  const reflectors = scopes.map(
    (scope) => new Reflector({ api, type, scope, store, clock, events, onChange: () => undefined }),
  );
  const listed = Promise.all(reflectors.map(async ({ synced }) => await synced));
  const filled = listed.then(() => (result.isFilled = true));
  const result: Watched = { kind: kind.kind, plural, store, reflectors, filled, isFilled: false };
  return result;
}

function find(held: Watched, ref: { readonly namespace: string; readonly name: string }): Found {
  const why = outdated(held);
  if (why !== undefined) return { found: 'outdated', why };
  const object = held.store.get(keyOf(ref));
  const value = object === undefined ? undefined : scalingValue(object);
  return value === undefined ? { found: 'nothing' } : { found: 'value', value };
}

function outdated(held: Watched): string | undefined {
  if (!held.isFilled) return `${held.plural} have not been listed yet`;
  const staleMs = staleMsOf(held);
  if (staleMs <= staleMsMax) return undefined;
  return `${held.plural} may have been out of date for ${Math.round(staleMs / 1_000)} s`;
}

function staleMsOf({ reflectors }: Watched): number {
  return Math.max(0, ...reflectors.map(({ staleMs }) => staleMs));
}

function trimToScaling(object: KubeObject): KubeObject {
  const { name, namespace, uid, resourceVersion } = object.metadata;
  const scaling = (object['status'] as { readonly scaling?: object } | undefined)?.scaling;
  return {
    apiVersion: object.apiVersion,
    kind: object.kind,
    metadata: {
      name,
      namespace,
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    },
    ...(scaling === undefined ? {} : { status: { scaling } }),
  };
}

/** Undefined where there is no value, or one that an autoscaler could not read. */
export function scalingValue(object: KubeObject): ScalingValue | undefined {
  const status = object['status'] as { readonly scaling?: unknown } | undefined;
  const { needed, at } = (status?.scaling ?? {}) as Readonly<Record<string, unknown>>;
  const milli = typeof needed === 'string' ? milliOf(needed) : undefined;
  if (milli === undefined || typeof at !== 'string' || !isRfc3339(at)) return undefined;
  const { kind, metadata } = object;
  return { kind, namespace: metadata.namespace, name: metadata.name, milli, at };
}

/** `2300m` or `2`; nothing else of what a Quantity may be is ever written there. */
export function milliOf(quantity: string): number | undefined {
  const { groups } = /^(?<digits>\d{1,9})(?<unit>m?)$/.exec(quantity) ?? {};
  if (groups === undefined) return undefined;
  return Number(groups['digits']) * (groups['unit'] === 'm' ? 1 : 1_000);
}

function isRfc3339(text: string): boolean {
  const isShaped = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/.test(text);
  return isShaped && !Number.isNaN(Date.parse(text));
}
