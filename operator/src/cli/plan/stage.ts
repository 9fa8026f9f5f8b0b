/**
 * An API that stores nothing and remembers what it was asked for. Applies are dry runs on the real
 * server, which judges and defaults them; what has no dry run in the port is computed here. Reads see
 * what earlier steps would have left.
 */
import type { Child } from '../../machinery/act.ts';
import { isAsWanted } from '../../machinery/desired.ts';
import type { KubeApi, KubeObject, ObjectRef, ResourceType } from '../../machinery/kube-api.ts';
import { KubeFailure } from '../../machinery/kube-failure.ts';
import { keyOf } from '../../machinery/object-key.ts';
import type { Reader } from './world.ts';

export interface Call {
  /** Undefined where nothing was there. */
  readonly before: KubeObject | undefined;
  /** Undefined where it was deleted. */
  readonly after: KubeObject | undefined;
}

export interface StageOptions {
  readonly api: Pick<KubeApi, 'apply'>;
  readonly world: Reader;
}

export class Stage implements Pick<KubeApi, 'get' | 'apply' | 'patch' | 'scale' | 'delete'> {
  readonly deleted: Child[] = [];
  readonly assumed: string[] = [];
  readonly #options: StageOptions;
  /** What earlier steps would have left. */
  readonly #left = new Map<string, KubeObject>();
  #calls: Call[] = [];

  constructor(options: StageOptions) {
    this.#options = options;
  }

  /** The calls since this was last asked. */
  taken(): readonly Call[] {
    const calls = this.#calls;
    this.#calls = [];
    return calls;
  }

  async get(type: ResourceType, ref: ObjectRef): Promise<KubeObject | undefined> {
    return this.#left.get(nameOf(type, ref)) ?? (await this.#options.world.get(type, ref));
  }

  async apply(
    type: ResourceType,
    object: KubeObject,
    options: { readonly fieldManager: string; readonly force?: boolean },
  ): Promise<KubeObject> {
    const before = await this.get(type, object.metadata);
    const after = await this.#dryRun(type, object, { ...options, before });
    this.#took(type, { before, after });
    return after;
  }

  async #dryRun(
    type: ResourceType,
    object: KubeObject,
    options: {
      readonly fieldManager: string;
      readonly force?: boolean;
      readonly before: KubeObject | undefined;
    },
  ): Promise<KubeObject> {
    const { before, ...applied } = options;
    try {
      return await this.#options.api.apply(type, object, { ...applied, dryRun: true });
    } catch (error) {
      if (!isNotAllowed(error)) throw error;
      const assumption = `You may not apply a ${type.kind}, not even to try: its fields were compared here, and the API server was not asked.`;
      if (!this.assumed.includes(assumption)) this.assumed.push(assumption);
      if (before === undefined || isAsWanted(object, before)) return before ?? object;
      return merged(before, object) as KubeObject;
    }
  }

  async patch(type: ResourceType, ref: ObjectRef, patch: object): Promise<KubeObject> {
    const before = await this.#present(type, ref);
    const { metadata: _preconditions, ...fields } = patch as Record<string, unknown>;
    const after = merged(before, fields) as KubeObject;
    this.#took(type, { before, after });
    return after;
  }

  async scale(
    type: ResourceType,
    ref: ObjectRef,
    { replicas }: { readonly replicas: number },
  ): Promise<void> {
    const before = await this.#present(type, ref);
    const after = merged(before, { spec: { replicas } }) as KubeObject;
    this.#took(type, { before, after });
  }

  async delete(type: ResourceType, ref: ObjectRef): Promise<boolean> {
    const before = await this.get(type, ref);
    if (before === undefined) return false;
    this.deleted.push({ type, object: before });
    this.#calls.push({ before, after: undefined });
    return true;
  }

  async #present(type: ResourceType, ref: ObjectRef): Promise<KubeObject> {
    const held = await this.get(type, ref);
    if (held !== undefined) return held;
    return { apiVersion: type.apiVersion, kind: type.kind, metadata: ref };
  }

  #took(type: ResourceType, call: Call & { readonly after: KubeObject }): void {
    this.#calls.push(call);
    this.#left.set(nameOf(type, call.after.metadata), call.after);
  }
}

function nameOf(type: ResourceType, ref: ObjectRef): string {
  return `${type.apiVersion}/${type.kind} ${keyOf(ref)}`;
}

/** Ours is the lack of permission, and not the operator's, when the refusal is about the verb. */
function isNotAllowed(error: unknown): boolean {
  return (
    error instanceof KubeFailure &&
    error.reason === 'Forbidden' &&
    /cannot (patch|create|update) resource/.test(error.message)
  );
}

/** Maps are merged, everything else is replaced. */
function merged(held: unknown, wanted: unknown): unknown {
  if (!isMap(held) || !isMap(wanted)) return wanted;
  const names = Object.keys(wanted);
  return {
    ...held,
    ...Object.fromEntries(names.map((name) => [name, merged(held[name], wanted[name])])),
  };
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
