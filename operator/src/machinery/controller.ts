/**
 * One controller: which changes wake which keys, and the pass that is run for a key.
 *
 * Level-triggered: the pass gets a key and never an event, reads what is there now, and may be run
 * any number of times. Before each pass the barrier is asked whether the caches hold what the last
 * one wrote; if not, the key comes back shortly, which is neither a failure nor a pass.
 */
import type { Clock } from '@millrace/kit/clock';
import type { KubeObject, ResourceType } from './kube-api.ts';
import { keyOfObject } from './object-key.ts';
import type { OwnWrites } from './own-writes.ts';
import type { TokenBucket } from './token-bucket.ts';
import type { Change, Store } from './store.ts';
import { WorkQueue, type QueueEvents, type WorkResult } from './work-queue.ts';

export interface ControllerSpec {
  /** Kind slug; the label of its metrics. */
  readonly name: string;
  readonly primary: ResourceType;
  /** Keys in flight at most. */
  readonly concurrency: number;
  /** Changes of other types, and the keys of the primaries that they concern. */
  readonly wakes: readonly Wake[];
  readonly reconcile: (key: string) => Promise<WorkResult>;
  /** Runs beside the queue until the signal aborts, such as a poller; may bring keys back. */
  readonly background?: (signal: AbortSignal, enqueue: (key: string) => void) => Promise<void>;
}

export interface Wake {
  readonly type: ResourceType;
  readonly keysOf: (object: KubeObject) => readonly string[];
}

export interface ControllerOptions {
  readonly spec: ControllerSpec;
  readonly primaries: Store;
  readonly writes: OwnWrites;
  readonly clock: Clock;
  readonly events: QueueEvents;
  /** What all controllers of a process may retry together. */
  readonly retries?: TokenBucket;
}

/** Watches deliver in a few milliseconds; looking again sooner would only spin. */
const barrierRetryMs = 50;

export class Controller {
  readonly queue: WorkQueue;
  readonly spec: ControllerSpec;
  #options: ControllerOptions;

  constructor(options: ControllerOptions) {
    this.#options = options;
    this.spec = options.spec;
    this.queue = new WorkQueue({
      clock: options.clock,
      concurrency: options.spec.concurrency,
      work: (key) => this.#work(key),
      events: options.events,
      ...(options.retries === undefined ? {} : { retries: options.retries }),
    });
  }

  /** Told of every change in every cache; only enqueues. */
  onChange(type: ResourceType, change: Change): void {
    const lane = change.initial ? 'initial' : 'change';
    if (type === this.spec.primary) this.#onPrimary(change);
    for (const wake of this.spec.wakes) {
      if (wake.type !== type) continue;
      const keys = [change.before, change.after].flatMap((object) =>
        object === undefined ? [] : [...wake.keysOf(object)],
      );
      for (const key of new Set(keys)) this.queue.add(key, lane);
    }
  }

  #onPrimary({ before, after, initial }: Change): void {
    const object = after ?? before;
    if (object === undefined) return;
    const key = keyOfObject(object);
    if (before !== undefined && after !== undefined) {
      // Our own status writes come back as changes; a pass for each would double the work.
      if (!isWorthAPass(before, after)) return;
      if (before.metadata.generation !== after.metadata.generation) this.queue.resetBackoff(key);
    }
    this.queue.add(key, initial ? 'initial' : 'change');
  }

  async #work(key: string): Promise<WorkResult> {
    const { writes, primaries, spec } = this.#options;
    if (!(await writes.areSeen(key))) {
      return { requeueAfterMs: barrierRetryMs, isPostponed: true };
    }
    const result = await spec.reconcile(key);
    if (primaries.get(key) === undefined) writes.forget(key);
    return result;
  }
}

function isWorthAPass(before: KubeObject, after: KubeObject): boolean {
  const read = ({ metadata }: KubeObject): string =>
    JSON.stringify([
      metadata.generation,
      metadata.deletionTimestamp,
      metadata.labels,
      metadata.annotations,
      metadata.finalizers,
    ]);
  return read(before) !== read(after);
}
