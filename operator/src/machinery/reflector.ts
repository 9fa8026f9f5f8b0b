/**
 * Keeps a store equal to one type in the API: list, then watch from the list's version.
 *
 * It never gives up. A watch that ends is resumed from the last version seen; a `Gone` is answered
 * by a new list, diffed by uid, so that every add, change and deletion of the gap is told exactly
 * once; any other failure waits with back-off and jitter first. A server that keeps answering a watch
 * with nonsense, or does not know its version, is asked for a list too. A watch never lives longer than
 * five to ten minutes: a half-open connection looks like a quiet one, and this bounds how long it can
 * fool us. `synced` resolves only when a list has been taken in whole. Handlers are told of changes
 * and may only enqueue; one that throws is told about, and hides no change from the others.
 */
import type { Clock } from '@millrace/kit/clock';
import { backoffMs } from '@millrace/kit/retry';
import type { KubeApi, ListOptions, ResourceType, WatchEvent } from './kube-api.ts';
import { KubeFailure } from './kube-failure.ts';
import type { Change, Store } from './store.ts';
import { isOlder } from './versions.ts';

export interface ReflectorEvents {
  watchRestarted(event: { readonly type: string; readonly reason: string }): void;
}

export interface ReflectorOptions {
  readonly api: Pick<KubeApi, 'list' | 'watch'>;
  readonly type: ResourceType;
  readonly scope: ListOptions;
  readonly store: Store;
  readonly clock: Clock;
  readonly events: ReflectorEvents;
  readonly onChange: (change: Change) => void;
  /** That the type is not served, or may not be read, means that there is nothing; asked again later. */
  readonly isOptional?: boolean;
  /** In [0, 1); spreads the restarts of many reflectors. */
  readonly random?: () => number;
}

/** One second to a minute: an API server that is down is not helped by being asked more often. */
const backoff = { baseMs: 1_000, maxMs: 60_000 };
/** What is optional may come to be served, or to be read, while we run. */
const absentRetryMs = 30_000;
const absences: readonly string[] = ['NotFound', 'Forbidden'];
/** Shortest life of a watch; the longest is twice that. */
const watchLifeMs = 5 * 60_000;
/** Answers in a row that no later try from the same version may better, such as one that cannot be read. */
const badAnswersMax = 3;
const badAnswers: readonly string[] = ['InternalError', 'ServerTimeout', 'Invalid', 'Unknown'];
/** A watch that has lasted this long without failing counts as up, though nothing was sent on it. */
const settledMs = 5_000;

export class Reflector {
  readonly synced: Promise<void>;
  #options: ReflectorOptions;
  #markSynced: () => void = () => undefined;
  #version: string | undefined;
  /** The last version before a new list was asked for. */
  #versionBefore: string | undefined;
  #badAnswers = 0;
  #failures = 0;
  /** Whether the last thing a watch said was Gone: nothing has come from one since. */
  #isGone = false;
  #failingSince: number | undefined;
  #watchSince: number | undefined;

  constructor(options: ReflectorOptions) {
    this.#options = options;
    this.synced = new Promise((resolve) => {
      this.#markSynced = resolve;
    });
  }

  /** How long the content may have been out of date, 0 while the watch is up. */
  get staleMs(): number {
    if (this.#failingSince === undefined) return 0;
    const now = this.#options.clock.monotonic();
    const isSettled = this.#watchSince !== undefined && now - this.#watchSince > settledMs;
    return isSettled ? 0 : now - this.#failingSince;
  }

  /** Runs until the signal aborts; never rejects for a failure of the API. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        if (this.#version === undefined) await this.#list(signal);
        else await this.#watch(this.#version, signal);
      } catch (error) {
        await this.#afterFailure(error, signal);
      }
    }
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { api, type, scope, store, clock } = this.#options;
    const beganAt = clock.monotonic();
    const { items, resourceVersion: version } = await api.list(type, {
      ...scope,
      trim: store.trim,
    });
    if (signal.aborted) return;
    const isRewound = isOlder(version, this.#versionBefore);
    this.#tell(store.replace(items, { namespace: scope.namespace, beganAt, version, isRewound }));
    this.#version = version;
    this.#succeeded();
    this.#markSynced();
  }

  async #watch(from: string, signal: AbortSignal): Promise<void> {
    const { api, type, scope, clock, random = Math.random } = this.#options;
    const end = new AbortController();
    const watchSignal = AbortSignal.any([signal, end.signal]);
    const life = clock.sleep(watchLifeMs * (1 + random()), watchSignal).then(() => end.abort());
    this.#watchSince = clock.monotonic();
    let events = 0;
    try {
      for await (const event of api.watch(type, {
        ...scope,
        trim: this.#options.store.trim,
        resourceVersion: from,
        signal: watchSignal,
      })) {
        // What a watch still had in its buffer when it was stopped is fetched again on resuming.
        if (watchSignal.aborted) break;
        events++;
        this.#take(event);
      }
    } finally {
      this.#watchSince = undefined;
      end.abort();
      await life;
    }
    if (!signal.aborted && events === 0) await this.#pauseBetweenEmptyWatches(signal);
  }

  /** A server that ends each watch at once would otherwise be asked in a busy loop. */
  async #pauseBetweenEmptyWatches(signal: AbortSignal): Promise<void> {
    await this.#options.clock.sleep(backoff.baseMs, signal);
  }

  #take(event: WatchEvent): void {
    const { store } = this.#options;
    this.#succeeded();
    this.#isGone = false;
    if (event.type === 'BOOKMARK') {
      this.#advance(event.resourceVersion);
      return;
    }
    this.#advance(event.object.metadata.resourceVersion);
    this.#tell(event.type === 'DELETED' ? store.remove(event.object) : store.upsert(event.object));
  }

  /** Never back: resuming from an event that came late would bring all that followed it again. */
  #advance(version: string | undefined): void {
    if (version !== undefined && !isOlder(version, this.#version)) this.#version = version;
  }

  #tell(changes: readonly Change[]): void {
    for (const change of changes) this.#options.onChange(change);
  }

  #succeeded(): void {
    this.#failures = 0;
    this.#badAnswers = 0;
    this.#failingSince = undefined;
  }

  async #afterFailure(error: unknown, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const reason = error instanceof KubeFailure ? error.reason : 'Unknown';
    const isAbsent = this.#options.isOptional === true && absences.includes(reason);
    // A watch that ends so says nothing of the whole; a list does.
    if (isAbsent && this.#version === undefined) return await this.#whileAbsent(signal);
    if (isAbsent) this.#listAgain();
    await this.#afterTrouble(reason, error, signal);
  }

  async #afterTrouble(reason: string, error: unknown, signal: AbortSignal): Promise<void> {
    const { clock, events, type, random = Math.random } = this.#options;
    events.watchRestarted({ type: type.plural, reason });
    this.#failingSince ??= clock.monotonic();
    if (reason === 'Gone') {
      this.#listAgain();
      const isRepeated = this.#isGone;
      this.#isGone = true;
      // Aging out of the history is ordinary and answered at once. A second time without an event
      // in between would be a loop of full lists.
      if (!isRepeated) return;
    }
    this.#badAnswers = badAnswers.includes(reason) ? this.#badAnswers + 1 : 0;
    if (this.#badAnswers >= badAnswersMax) this.#listAgain();
    this.#failures++;
    const ownMs = backoffMs(this.#failures, backoff, random());
    await clock.sleep(Math.max(ownMs, askedWaitMs(error)), signal);
  }

  async #whileAbsent(signal: AbortSignal): Promise<void> {
    const { clock, scope, store, random = Math.random } = this.#options;
    this.#tell(store.replace([], { namespace: scope.namespace, beganAt: clock.monotonic() }));
    this.#succeeded();
    this.#markSynced();
    await clock.sleep(absentRetryMs * (1 + random()), signal);
  }

  #listAgain(): void {
    this.#versionBefore = this.#version ?? this.#versionBefore;
    this.#version = undefined;
  }
}

/** What a server asked for with Retry-After, up to the longest wait of our own. */
function askedWaitMs(failure: unknown): number {
  const askedMs = failure instanceof KubeFailure ? (failure.retryAfterMs ?? 0) : 0;
  return Math.min(askedMs, backoff.maxMs);
}
