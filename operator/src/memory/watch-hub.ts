/**
 * The events of all objects in commit order, and watches that read them.
 *
 * The history is bounded: a watch is a cursor into it, not a queue of its own, so a slow reader
 * costs no memory. A cursor that falls behind the oldest event kept ends in `Gone`, as a real
 * server's does after compaction. Objects in events are frozen and shared.
 */
import type { KubeObject, WatchEvent, WatchOptions } from '../machinery/kube-api.ts';
import { KubeFailure } from '../machinery/kube-failure.ts';
import { isSelected } from './selection.ts';

export interface Change {
  readonly resource: string;
  readonly revision: number;
  /** Undefined when the object was created by this change. */
  readonly before?: KubeObject;
  /** Undefined when the object was removed by it. */
  readonly after?: KubeObject;
  /** The removed object with the version of its removal. */
  readonly removed?: KubeObject;
}

/** May drop, repeat or hold back an event, or end the watch by throwing. */
export type WatchFault = (
  event: WatchEvent,
) => readonly WatchEvent[] | Promise<readonly WatchEvent[]>;

export interface WatchHubOptions {
  /** Changes kept for watches that resume. */
  readonly historyMax: number;
  readonly revision: number;
  readonly fault?: WatchFault | undefined;
}

export class WatchHub {
  readonly #options: WatchHubOptions;
  readonly #waiting = new Set<() => void>();
  #history: Change[] = [];
  /** Number of changes that have left the history; a cursor counts from the first ever. */
  #dropped = 0;
  /** A watch must start at this revision or a later one. */
  #oldestStart: number;
  #revision: number;

  constructor(options: WatchHubOptions) {
    this.#options = options;
    this.#oldestStart = options.revision;
    this.#revision = options.revision;
  }

  publish(change: Change): void {
    this.#revision = change.revision;
    this.#history.push(change);
    if (this.#history.length > this.#options.historyMax * 2) {
      const leaving = this.#history.length - this.#options.historyMax;
      this.#oldestStart = this.#history[leaving - 1]?.revision ?? this.#oldestStart;
      this.#history = this.#history.slice(leaving);
      this.#dropped += leaving;
    }
    this.#wake();
  }

  /** Tells every watch which revision it has seen everything up to. */
  bookmark(): void {
    this.publish({ resource: '*', revision: this.#revision });
  }

  /** Forgets the whole history, as a compaction does: watches behind it end in `Gone`. */
  compact(): void {
    this.#dropped += this.#history.length;
    this.#history = [];
    this.#oldestStart = this.#revision;
    this.#wake();
  }

  async *watch(resource: string, options: WatchOptions): AsyncGenerator<WatchEvent, void, void> {
    let cursor = this.#cursorAfter(options.resourceVersion);
    while (!options.signal.aborted) {
      if (cursor < this.#dropped) throw gone(options.resourceVersion);
      const change = this.#history[cursor - this.#dropped];
      if (change === undefined) {
        await this.#next(options.signal);
        continue;
      }
      cursor += 1;
      const event = eventFor(change, resource, options);
      if (event === undefined) continue;
      const delivered = (await this.#options.fault?.(event)) ?? [event];
      for (const one of delivered) {
        if (options.signal.aborted) return;
        yield one;
      }
    }
  }

  #cursorAfter(resourceVersion: string): number {
    if (!/^[0-9]+$/.test(resourceVersion)) {
      throw new KubeFailure('Invalid', 'resourceVersion: must be a version that a list returned');
    }
    const revision = Number(resourceVersion);
    if (revision < this.#oldestStart || revision > this.#revision) throw gone(resourceVersion);
    const index = this.#history.findIndex((change) => change.revision > revision);
    return this.#dropped + (index === -1 ? this.#history.length : index);
  }

  async #next(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = () => resolve();
    this.#waiting.add(wake);
    signal.addEventListener('abort', wake, { once: true });
    try {
      await promise;
    } finally {
      this.#waiting.delete(wake);
      signal.removeEventListener('abort', wake);
    }
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
  }
}

function gone(resourceVersion: string): KubeFailure {
  return new KubeFailure('Gone', `version ${resourceVersion} is not kept any more: list again`);
}

/** What a change means to one watch: an object that leaves its selection looks deleted to it. */
function eventFor(change: Change, resource: string, options: WatchOptions): WatchEvent | undefined {
  if (change.resource === '*') {
    return { type: 'BOOKMARK', resourceVersion: String(change.revision) };
  }
  if (change.resource !== resource) return undefined;
  const was = change.before !== undefined && isSelected(change.before, options);
  const is = change.after !== undefined && isSelected(change.after, options);
  if (is && change.after !== undefined) {
    return { type: was ? 'MODIFIED' : 'ADDED', object: change.after };
  }
  const last = change.removed ?? change.after;
  return was && last !== undefined ? { type: 'DELETED', object: last } : undefined;
}
