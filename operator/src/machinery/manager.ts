/**
 * Composes caches, reflectors and controllers, and owns their life.
 *
 * Each type is cached once, however many controllers read it. Queues start only when every cache has
 * been filled, because a pass over a half-filled cache would take what is not yet listed for absent;
 * between the two a standby waits for its turn to lead, with caches that are kept up to date.
 * Stopping drains: passes in flight finish, watches end, nothing is left running.
 */
import type { Clock } from '@millrace/kit/clock';
import { Controller, type ControllerSpec } from './controller.ts';
import type { KubeApi, ListOptions, ResourceType } from './kube-api.ts';
import { Fence } from './leader-election/fence.ts';
import { OwnWrites } from './own-writes.ts';
import { Reflector } from './reflector.ts';
import { retryRate, TokenBucket } from './token-bucket.ts';
import { Store, type Change, type StoreOptions } from './store.ts';
import type { OperatorTelemetry } from './telemetry.ts';

export interface ManagerOptions {
  readonly api: KubeApi;
  readonly clock: Clock;
  /** Namespaces to work in; empty means all. */
  readonly namespaces: readonly string[];
  readonly telemetry: OperatorTelemetry;
  /** What writes are fenced by; left out by those who never write. */
  readonly fence?: Fence;
}

export interface CacheOptions extends StoreOptions {
  /** Only objects with all of these labels are cached. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Only the object of this name is cached. */
  readonly name?: string;
  /** Its objects have no namespace, so that those to work in do not matter. */
  readonly isOfCluster?: boolean;
  /** A type that is not served, or may not be read, is as good as one without objects. */
  readonly isOptional?: boolean;
}

interface Cache extends CacheOptions {
  readonly type: ResourceType;
  readonly store: Store;
}

export class Manager {
  readonly writes: OwnWrites;
  /** What intents are signed with, and who is told of a later leader. */
  readonly fence: Fence;
  readonly options: ManagerOptions;
  #caches = new Map<ResourceType, Cache>();
  #controllers: Controller[] = [];
  #reflectors: Reflector[] = [];
  #retries: TokenBucket;
  #stop = new AbortController();
  #running: Promise<void>[] = [];

  constructor(options: ManagerOptions) {
    this.options = options;
    this.fence = options.fence ?? new Fence();
    this.#retries = new TokenBucket(options.clock, retryRate);
    this.writes = new OwnWrites({
      api: options.api,
      clock: options.clock,
      storeOf: (type) => this.#caches.get(type)?.store,
    });
  }

  /** Longest time that any cache may have been out of date. */
  get staleMs(): number {
    return Math.max(0, ...this.#reflectors.map((reflector) => reflector.staleMs));
  }

  /** The cache of a type; made on the first call, whose options hold. */
  cache(type: ResourceType, options: CacheOptions = {}): Store {
    const held = this.#caches.get(type);
    if (held !== undefined) return held.store;
    const store = new Store(options);
    this.#caches.set(type, { ...options, type, store });
    return store;
  }

  add(spec: ControllerSpec): void {
    const { clock, telemetry } = this.options;
    const controller = new Controller({
      spec,
      primaries: this.cache(spec.primary),
      writes: this.writes,
      clock,
      events: telemetry.queueEvents(spec.name),
      retries: this.#retries,
    });
    telemetry.queueStarted(spec.name, () => controller.queue.oldestMs);
    this.#controllers.push(controller);
  }

  /** Resolves when every cache is filled, or when stopped before. Nothing is written yet. */
  async fill(): Promise<void> {
    for (const cache of this.#caches.values()) this.#reflect(cache);
    const stopped = new Promise<void>((resolve) => {
      this.#stop.signal.addEventListener('abort', () => resolve(), { once: true });
    });
    await Promise.race([Promise.all(this.#reflectors.map(({ synced }) => synced)), stopped]);
  }

  /** Starts passes and what runs beside them. */
  begin(): void {
    if (this.#stop.signal.aborted) return;
    for (const { spec, queue } of this.#controllers) {
      const background = spec.background?.(this.#stop.signal, (key) => queue.add(key));
      if (background !== undefined) this.#running.push(background);
      queue.start();
    }
  }

  /** Resolves once no key is queued or in flight; keys that wait for a time do not count. */
  async idle(): Promise<void> {
    await Promise.all(this.#controllers.map(({ queue }) => queue.idle()));
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#controllers.map(({ queue }) => queue.stop()));
    await Promise.all(this.#running);
  }

  #reflect(cache: Cache): void {
    const { type, store, labels, name, isOptional = false } = cache;
    const { api, clock, telemetry } = this.options;
    for (const scope of this.#scopesOf(cache)) {
      const reflector = new Reflector({
        api,
        type,
        scope: {
          ...scope,
          ...(labels === undefined ? {} : { labels }),
          ...(name === undefined ? {} : { name }),
        },
        isOptional,
        store,
        clock,
        events: telemetry,
        onChange: (change) => this.#tell(type, change),
      });
      this.#reflectors.push(reflector);
      telemetry.watchStarted(type.plural, () => reflector.staleMs);
      this.#running.push(reflector.run(this.#stop.signal));
    }
  }

  #scopesOf({ isOfCluster = false }: Cache): readonly ListOptions[] {
    const { namespaces } = this.options;
    const isWhole = isOfCluster || namespaces.length === 0;
    return isWhole ? [{}] : namespaces.map((namespace) => ({ namespace }));
  }

  #tell(type: ResourceType, change: Change): void {
    for (const controller of this.#controllers) {
      try {
        controller.onChange(type, change);
      } catch (failure) {
        // A bug of ours that one odd object brings out must not end the watch of all the others.
        this.options.telemetry.changeNotHandled({ type: type.plural, failure });
      }
    }
  }
}
