/**
 * Appends increments in groups: all that came in while the previous script call was under way travels
 * in the next one, so that the disk is waited for once by many.
 *
 * One call is under way at a time; it leaves at the end of an event loop turn, when all that the turn
 * brought has been taken. Where several come at once, calls begin a moment apart, so that more of them
 * share one: a call costs the gateway, Redis and the disk far more than an increment in it. Who comes
 * alone never waits for that. A call is never sent again: when its fate is not known, everyone in it is
 * told so. Bounds: bytes of one call, and bytes that wait.
 */
import type { Failure } from '@millrace/kit/failure';
import type { RedisCommands } from '../../connectors/redis/link.ts';
import { appendUse, readAppended, type StreamAppend } from './append-call.ts';
import { appendFailure, refusal } from './failures.ts';
import { Group } from './group.ts';
import { noteAccepted, noteAcked, type Stream } from './incarnations.ts';
import { acceptedKey, entryName } from './names.ts';
import { appendScript } from './scripts.ts';

/** Redis works on one call at a time: this bounds how long it keeps everybody else waiting. */
export const callBytesMax = 8 * 1024 * 1024;
/** A second of a gateway at its fastest; more would only make clients wait longer for a refusal. */
export const queueBytesMax = 64 * 1024 * 1024;
/**
 * From the beginning of a call to that of the next, for each request that was in it, and at most. Waking
 * up, the system calls and the driver cost a gateway some 400 µs a call, and ten requests that share one
 * are a tenth of that each. Few wait little for others; past 2,000 requests a second the most is reached,
 * and a call carries more the more there are.
 */
const callIntervalMs = { each: 0.5, most: 8 } as const;
/** What Redis keeps beside the items of an entry. */
const entryOverheadBytes = 32;

export interface GroupCommitOptions {
  readonly uid: string;
  readonly partitions: number;
  readonly commands: RedisCommands;
  /** By partition, as of now. */
  streams(): readonly Stream[];
  /** Why nothing may be appended at the moment. */
  refused(): Failure | undefined;
  appended(it: AppendedGroup): void;
  failed(failure: Failure): void;
}

export interface AppendedGroup {
  readonly requests: number;
  readonly increments: number;
  readonly durationMs: number;
  /** Memory that Redis needs for it. */
  readonly bytes: number;
}

interface Placed extends StreamAppend {
  readonly stream: Stream;
}

export class GroupCommit {
  readonly #options: GroupCommitOptions;
  /** The last one is open; the others are full and wait for their turn. */
  #waiting: Group[] = [];
  #bytes = 0;
  #isScheduled = false;
  #notBeforeMs = 0;

  constructor(options: GroupCommitOptions) {
    this.#options = options;
  }

  /** Bytes that wait or are under way. */
  get bytes(): number {
    return this.#bytes;
  }

  append(items: Buffer): Promise<string> {
    if (this.#bytes + items.length > queueBytesMax) {
      return Promise.reject(refusal('Overloaded', { retryAfterMs: 1_000 }));
    }
    let group = this.#waiting.at(-1);
    if (group === undefined || (group.bytes > 0 && group.bytes + items.length > callBytesMax)) {
      group = new Group(this.#options.partitions);
      this.#waiting.push(group);
    }
    this.#bytes += items.length;
    this.#schedule();
    return group.add(items);
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    const waitMs = this.#notBeforeMs - performance.now();
    if (waitMs > 0) setTimeout(() => void this.#send(), waitMs);
    else setImmediate(() => void this.#send());
  }

  async #send(): Promise<void> {
    const group = this.#waiting.shift();
    if (group !== undefined) {
      const refused = this.#options.refused();
      if (refused === undefined) await this.#appendGroup(group);
      else group.fail(refused);
      this.#bytes -= group.bytes;
    }
    this.#isScheduled = false;
    if (this.#waiting.length > 0) this.#schedule();
  }

  async #appendGroup(group: Group): Promise<void> {
    // Another incarnation may begin while the call is under way; the names are those of now.
    const streams = this.#options.streams();
    const startedMs = performance.now();
    this.#notBeforeMs = startedMs + waitAfterMs(group.requests);
    try {
      const appends = placed(group, streams);
      const use = appendUse(acceptedKey(this.#options.uid), appends);
      const reply = await this.#options.commands.script('Appending increments', appendScript, use);
      const names = acknowledge(appends, reply);
      group.settle(names);
      this.#options.appended({
        requests: group.requests,
        increments: group.increments,
        durationMs: performance.now() - startedMs,
        bytes: group.bytes + names.length * entryOverheadBytes,
      });
    } catch (error) {
      const failure = appendFailure(error);
      group.fail(failure);
      this.#options.failed(failure);
    }
  }
}

/** Who came alone keeps nobody waiting. */
function waitAfterMs(requests: number): number {
  return requests > 1 ? Math.min(callIntervalMs.most, requests * callIntervalMs.each) : 0;
}

/** What goes where; partitions to which nothing goes are left out. */
function placed(group: Group, streams: readonly Stream[]): readonly Placed[] {
  const appends: Placed[] = [];
  for (const [partition, open] of group.entries.entries()) {
    if (open.length === 0) continue;
    const stream = streams[partition];
    // Refused before it is sent, so nothing is in doubt.
    if (stream === undefined) throw refusal('StreamsUnchecked');
    const entries = open.map(({ bytes, used }) => bytes.subarray(0, used));
    appends.push({ stream, key: stream.key, entries });
  }
  return appends;
}

/** Remembers what Redis has acknowledged, and names the entries in the order of the group. */
function acknowledge(appends: readonly Placed[], reply: unknown): readonly string[] {
  const answers = readAppended(reply, appends);
  if (answers === undefined) throw refusal('StreamsUnchecked', { detail: 'a stream is missing.' });
  const names: string[] = [];
  for (const [at, { stream }] of appends.entries()) {
    const { ids = [], accepted } = answers[at] ?? {};
    for (const id of ids) {
      noteAcked(stream, id);
      names.push(entryName(stream, id));
    }
    noteAccepted(stream, accepted);
  }
  return names;
}
