/**
 * Watches the children of imports as any client could, to tell when a changed spec has reached all
 * four of them: the ConfigMap, the Job made anew and both Deployments. The ConfigMap's content is
 * digested here, so that no word of the operator is taken for it.
 */
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { HttpKubeApi } from '@millrace/operator/kube/http-api';
import type { KubeObject, ResourceType } from '@millrace/operator/machinery/kube-api';
import { configHashAnnotation } from '@millrace/operator/machinery/workload/names';
import {
  configMaps,
  deployments,
  jobs,
} from '@millrace/operator/machinery/workload/resource-types';
import { namespace } from './imports.ts';

/** Far beyond every bar: a change that has not come by then is lost. */
const patienceMs = 60_000;

type Hashes = Map<string, string>;

export class AppliedChanges implements AsyncDisposable {
  readonly #api: HttpKubeApi;
  readonly #stop = new AbortController();
  /** By name of the import: digests of its configuration, by child. */
  readonly #imports = new Map<string, Hashes>();
  readonly #waiters = new Map<string, () => void>();
  #watches: readonly Promise<void>[] = [];

  private constructor(api: HttpKubeApi) {
    this.#api = api;
  }

  static async open(api: HttpKubeApi): Promise<AppliedChanges> {
    const changes = new AppliedChanges(api);
    const types = [configMaps, jobs, deployments];
    const lists = await Promise.all(types.map((type) => api.list(type, { namespace })));
    for (const { items } of lists) for (const item of items) changes.#take(item);
    changes.#watches = types.map((type, index) =>
      changes.#watch(type, lists[index]?.resourceVersion ?? ''),
    );
    return changes;
  }

  /** Resolves once every child of the import carries another configuration than now. */
  async next(name: string): Promise<void> {
    const before = this.#common(name);
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = (): void => {
      const now = this.#common(name);
      if (now === undefined || now === before) return;
      this.#waiters.delete(name);
      resolve();
    };
    this.#waiters.set(name, look);
    const tooLate = new AbortController();
    const patience = delay(patienceMs, undefined, { signal: tooLate.signal, ref: false }).then(
      () => {
        throw new Error(`${name}: a change was not applied within ${String(patienceMs / 1_000)} s`);
      },
    );
    // The loser of the race is a rejection by design; nobody else waits for it.
    patience.catch(() => undefined);
    await Promise.race([promise, patience]);
    tooLate.abort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await Promise.allSettled(this.#watches);
  }

  async #watch(type: ResourceType, resourceVersion: string): Promise<void> {
    const { signal } = this.#stop;
    let from = resourceVersion;
    while (!signal.aborted) {
      const options = { namespace, resourceVersion: from, signal };
      for await (const event of this.#api.watch(type, options)) {
        if (event.type === 'BOOKMARK') from = event.resourceVersion;
        else from = event.object.metadata.resourceVersion ?? from;
        if (event.type === 'ADDED' || event.type === 'MODIFIED') this.#take(event.object);
      }
    }
  }

  #take(object: KubeObject): void {
    const owner = object.metadata.ownerReferences?.[0]?.name;
    const hash = hashOf(object);
    if (owner === undefined || hash === undefined) return;
    const hashes = this.#imports.get(owner) ?? new Map<string, string>();
    hashes.set(`${object.kind}/${object.metadata.name}`, hash);
    this.#imports.set(owner, hashes);
    this.#waiters.get(owner)?.();
  }

  /** The digest that all four children agree on. */
  #common(name: string): string | undefined {
    const hashes = [...(this.#imports.get(name)?.values() ?? [])];
    return hashes.length === 4 && new Set(hashes).size === 1 ? hashes[0] : undefined;
  }
}

interface Fields {
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: {
    readonly template?: { readonly metadata?: { readonly annotations?: Record<string, string> } };
  };
}

function hashOf(object: KubeObject): string | undefined {
  const { data, spec } = object as Fields;
  if (object.kind !== configMaps.kind) {
    return spec?.template?.metadata?.annotations?.[configHashAnnotation];
  }
  const text = data?.['config.json'];
  if (text === undefined) return undefined;
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
