/**
 * What is to travel to Redis in one script call: for each partition entries of packed increments.
 *
 * A gateway takes tens of thousands of increments a second here, so an increment costs a copy of its
 * 24 bytes and no object: all that are packed into one entry share one promise, which is settled with
 * the entry's name. Who appends a batch is given the promise of the entry that its first item is in;
 * that is enough, since a group is appended whole or not at all.
 */
import { itemBytes } from './entry.ts';
import { partitionOf } from './partition-of.ts';

/** Readers fetch entries by count: this bounds what a page of them may weigh. */
const entryBytesMax = 256 * 1024;
/** Enough for what one turn brings at light load, and a tenth of a page of memory. */
const entryBytesFirst = 16 * itemBytes;

export interface OpenEntry {
  bytes: Buffer;
  used: number;
  readonly name: Promise<string>;
  resolve(name: string): void;
  reject(error: unknown): void;
}

export class Group {
  /** By partition; empty where nothing goes to. */
  readonly entries: OpenEntry[][];
  #bytes = 0;
  #requests = 0;

  constructor(partitions: number) {
    this.entries = Array.from({ length: partitions }, () => []);
  }

  get bytes(): number {
    return this.#bytes;
  }

  get increments(): number {
    return this.#bytes / itemBytes;
  }

  get requests(): number {
    return this.#requests;
  }

  /** The promise of the name of the entry that the first item is in. */
  add(items: Buffer): Promise<string> {
    const first = this.#place(items, 0);
    for (let at = itemBytes; at < items.length; at += itemBytes) this.#place(items, at);
    this.#requests += 1;
    return first.name;
  }

  settle(names: readonly string[]): void {
    let at = 0;
    for (const entries of this.entries) {
      for (const entry of entries) {
        const name = names[at];
        at += 1;
        if (name !== undefined) entry.resolve(name);
      }
    }
  }

  fail(error: unknown): void {
    for (const entries of this.entries) for (const entry of entries) entry.reject(error);
  }

  #place(items: Buffer, at: number): OpenEntry {
    const entries = this.entries[partitionOf(items, at, this.entries.length)] ?? [];
    let entry = entries.at(-1);
    if (entry === undefined || entry.used + itemBytes > entryBytesMax) {
      entry = openEntry();
      entries.push(entry);
    } else if (entry.used + itemBytes > entry.bytes.length) {
      grow(entry);
    }
    items.copy(entry.bytes, entry.used, at, at + itemBytes);
    entry.used += itemBytes;
    this.#bytes += itemBytes;
    return entry;
  }
}

function openEntry(): OpenEntry {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  // Whoever appended hears of it; one that went away in between must not end the process.
  promise.catch(() => undefined);
  return { bytes: Buffer.allocUnsafe(entryBytesFirst), used: 0, name: promise, resolve, reject };
}

function grow(entry: OpenEntry): void {
  const bytes = Buffer.allocUnsafe(Math.min(entry.bytes.length * 4, entryBytesMax));
  entry.bytes.copy(bytes, 0, 0, entry.used);
  entry.bytes = bytes;
}
