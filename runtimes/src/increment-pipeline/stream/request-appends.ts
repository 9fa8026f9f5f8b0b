/**
 * Appends requests with an Idempotency-Key: what came in while the previous script call was under way
 * travels in the next one, where each request is claimed and written as one step.
 *
 * A claim only answers repetitions early. What makes a request count once is the ledger, where the
 * worker looks at the commit; so claims may be forgotten, but never while an entry that is not yet
 * committed may be theirs.
 */
import type { Failure } from '@millrace/kit/failure';
import { assert } from '@millrace/kit/fault';
import type { RedisArgument, RedisCommands } from '../../connectors/redis/link.ts';
import { encodeRequest, itemBytes, type RequestDigests } from './entry.ts';
import { appendFailure, refusal, requestMismatch } from './failures.ts';
import { callBytesMax, queueBytesMax, type AppendedGroup } from './group-commit.ts';
import { noteAccepted, noteAcked, type Stream } from './incarnations.ts';
import { acceptedKey, entryName, parseEntryName, requestTimesKey, requestsKey } from './names.ts';
import { partitionOf } from './partition-of.ts';
import { requestsScript } from './scripts.ts';

export interface RequestAppendsOptions {
  readonly uid: string;
  readonly partitions: number;
  readonly idempotency: { readonly windowMs: number; readonly maxKeys: number } | undefined;
  readonly commands: RedisCommands;
  streams(): readonly Stream[];
  refused(): Failure | undefined;
  /** Nothing that is not committed is older; 0 until that is known. */
  oldestUncommittedMs(): number;
  appended(it: AppendedGroup): void;
  repeated(): void;
  failed(failure: Failure): void;
}

export interface AppendedRequest {
  readonly entry: string;
  /** It was there already. */
  readonly repeated: boolean;
}

interface Waiting {
  readonly partition: number;
  readonly entry: Buffer;
  readonly resolve: (done: AppendedRequest) => void;
  readonly reject: (error: unknown) => void;
}

/** The entry, its claim with two digests, and what Redis keeps beside them. */
const requestOverheadBytes = 64;
/** Redis spends some ten microseconds on each: this bounds how long it keeps everybody else waiting. */
const callRequestsMax = 1_000;

export class RequestAppends {
  readonly #options: RequestAppendsOptions;
  readonly #waiting: Waiting[] = [];
  #bytes = 0;
  #isScheduled = false;

  constructor(options: RequestAppendsOptions) {
    this.#options = options;
  }

  /** Bytes that wait or are under way. */
  get bytes(): number {
    return this.#bytes;
  }

  append(request: RequestDigests, items: Buffer): Promise<AppendedRequest> {
    const refused = this.#options.refused();
    if (refused !== undefined) return Promise.reject(refused);
    const entry = encodeRequest(request, items);
    const bytes = bytesOf({ entry });
    if (this.#bytes + bytes > queueBytesMax) {
      return Promise.reject(refusal('Overloaded', { retryAfterMs: 1_000 }));
    }
    this.#bytes += bytes;
    const partition = partitionOf(entry, 0, this.#options.partitions);
    const { promise, resolve, reject } = Promise.withResolvers<AppendedRequest>();
    this.#waiting.push({ partition, entry, resolve, reject });
    this.#schedule();
    return promise;
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => void this.#send());
  }

  async #send(): Promise<void> {
    const requests = this.#take();
    const refused = this.#options.refused();
    try {
      if (refused === undefined) await this.#appendAll(requests);
      else for (const { reject } of requests) reject(refused);
    } catch (error) {
      const failure = appendFailure(error);
      for (const { reject } of requests) reject(failure);
      this.#options.failed(failure);
    }
    for (const request of requests) this.#bytes -= bytesOf(request);
    this.#isScheduled = false;
    if (this.#waiting.length > 0) this.#schedule();
  }

  #take(): readonly Waiting[] {
    let count = 0;
    let bytes = 0;
    for (const request of this.#waiting) {
      bytes += bytesOf(request);
      if (count > 0 && (bytes > callBytesMax || count === callRequestsMax)) break;
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }

  async #appendAll(requests: readonly Waiting[]): Promise<void> {
    const { uid, idempotency, commands } = this.#options;
    assert(idempotency !== undefined, 'requests with a key need the idempotency of the pipeline');
    const streams = streamsOf(requests, this.#options.streams());
    const forgetBeforeMs = this.#options.oldestUncommittedMs() - idempotency.windowMs;
    const args: RedisArgument[] = [idempotency.maxKeys, Math.max(0, forgetBeforeMs)];
    for (const stream of streams.values()) args.push(stream.field, entryName(stream, ''));
    const numbers = new Map([...streams.keys()].map((partition, at) => [partition, at + 1]));
    for (const { partition, entry } of requests) args.push(numbers.get(partition) ?? 0, entry);
    const keys = [acceptedKey(uid), requestsKey(uid), requestTimesKey(uid)];
    for (const stream of streams.values()) keys.push(stream.key);
    const startedMs = performance.now();
    const reply = await commands.script('Appending requests', requestsScript, { keys, args });
    // The number of the stream that is missing: Redis appended nothing.
    if (!Array.isArray(reply)) {
      throw refusal('StreamsUnchecked', { detail: 'a stream is missing.' });
    }
    this.#answer(requests, streams, { reply, startedMs });
  }

  #answer(
    requests: readonly Waiting[],
    streams: ReadonlyMap<number, Stream>,
    { reply, startedMs }: { readonly reply: readonly unknown[]; readonly startedMs: number },
  ): void {
    let appended = 0;
    let bytes = 0;
    for (const [at, request] of requests.entries()) {
      const kind = reply[2 * at];
      const entry = String(reply[2 * at + 1]);
      if (kind === 0) {
        const stream = streams.get(request.partition);
        if (stream !== undefined) noteAcked(stream, parseEntryName(entry)?.id ?? '');
        appended += 1;
        bytes += bytesOf(request);
      }
      this.#settle(request, kind, entry);
    }
    for (const [at, stream] of [...streams.values()].entries()) {
      noteAccepted(stream, reply[2 * requests.length + at]);
    }
    if (appended === 0) return;
    const increments = (bytes - appended * (requestOverheadBytes + 32)) / itemBytes;
    const durationMs = performance.now() - startedMs;
    this.#options.appended({ requests: appended, increments, bytes, durationMs });
  }

  #settle({ resolve, reject }: Waiting, kind: unknown, entry: string): void {
    if (kind === 2) {
      reject(requestMismatch());
    } else if (kind === 3) {
      reject(refusal('RequestsFull', { retryAfterMs: 1_000 }));
    } else {
      if (kind === 1) this.#options.repeated();
      resolve({ entry, repeated: kind === 1 });
    }
  }
}

function bytesOf({ entry }: { readonly entry: Buffer }): number {
  return entry.length + requestOverheadBytes;
}

/** By partition, in the order in which they are first needed. */
function streamsOf(
  requests: readonly Waiting[],
  all: readonly Stream[],
): ReadonlyMap<number, Stream> {
  const streams = new Map<number, Stream>();
  for (const { partition } of requests) {
    const stream = all[partition];
    // Refused before anything is sent, so nothing is in doubt.
    if (stream === undefined) throw refusal('StreamsUnchecked');
    streams.set(partition, stream);
  }
  return streams;
}
