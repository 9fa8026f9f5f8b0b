/**
 * Appends requests with an Idempotency-Key, each by one script that claims the key and writes the
 * entry as one step. They travel side by side; Redis flushes once for all that arrive together.
 *
 * A claim only answers repetitions early. What makes a request count once is the ledger, where the
 * worker looks at the commit; so claims may be forgotten, but never while an entry that is not yet
 * committed may be theirs.
 */
import type { Failure } from '@millrace/kit/failure';
import { assert } from '@millrace/kit/fault';
import type { RedisCommands } from '../../connectors/redis/link.ts';
import { encodeRequest, itemBytes, type RequestDigests } from './entry.ts';
import { appendFailure, refusal, requestMismatch } from './failures.ts';
import { queueBytesMax, type AppendedGroup } from './group-commit.ts';
import { noteAccepted, noteAcked, type Stream } from './incarnations.ts';
import { acceptedKey, entryName, parseEntryName, requestTimesKey, requestsKey } from './names.ts';
import { partitionOf } from './partition-of.ts';
import { requestScript } from './scripts.ts';

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

/** The entry, its claim with two digests, and what Redis keeps beside them. */
const requestOverheadBytes = 64;

export class RequestAppends {
  readonly #options: RequestAppendsOptions;
  #bytes = 0;

  constructor(options: RequestAppendsOptions) {
    this.#options = options;
  }

  /** Bytes that are under way. */
  get bytes(): number {
    return this.#bytes;
  }

  async append(request: RequestDigests, items: Buffer): Promise<AppendedRequest> {
    const refused = this.#options.refused();
    if (refused !== undefined) throw refused;
    const bytes = items.length + requestOverheadBytes;
    if (this.#bytes + bytes > queueBytesMax) {
      throw refusal('Overloaded', { retryAfterMs: 1_000 });
    }
    this.#bytes += bytes;
    const startedMs = performance.now();
    try {
      const done = await this.#claimAndAppend(request, items);
      if (done.repeated) {
        this.#options.repeated();
      } else {
        const increments = items.length / itemBytes;
        const durationMs = performance.now() - startedMs;
        this.#options.appended({ requests: 1, increments, bytes, durationMs });
      }
      return done;
    } catch (error) {
      const failure = appendFailure(error);
      if (failure.family === 'Transient') this.#options.failed(failure);
      throw failure;
    } finally {
      this.#bytes -= bytes;
    }
  }

  async #claimAndAppend(request: RequestDigests, items: Buffer): Promise<AppendedRequest> {
    const { uid, partitions, idempotency, commands } = this.#options;
    assert(idempotency !== undefined, 'requests with a key need the idempotency of the pipeline');
    const stream = this.#options.streams()[partitionOf(request.digest, 0, partitions)];
    if (stream === undefined) throw refusal('StreamsUnchecked');
    const forgetBeforeMs = this.#options.oldestUncommittedMs() - idempotency.windowMs;
    const reply = await commands.script('Appending a request', requestScript, {
      keys: [acceptedKey(uid), stream.key, requestsKey(uid), requestTimesKey(uid)],
      args: [
        stream.field,
        items.length / itemBytes,
        encodeRequest(request, items),
        request.digest,
        request.payloadDigest,
        entryName(stream, ''),
        idempotency.maxKeys,
        Math.max(0, forgetBeforeMs),
      ],
    });
    return outcome(reply, stream);
  }
}

function outcome(reply: unknown, stream: Stream): AppendedRequest {
  const [kind, name, accepted]: readonly unknown[] = Array.isArray(reply) ? reply : [];
  const entry = String(name);
  switch (kind) {
    case 0: {
      noteAcked(stream, parseEntryName(entry)?.id ?? '');
      noteAccepted(stream, accepted);
      return { entry, repeated: false };
    }
    case 1: {
      return { entry, repeated: true };
    }
    case 2: {
      throw requestMismatch();
    }
    case 3: {
      throw refusal('RequestsFull', { retryAfterMs: 1_000 });
    }
    default: {
      throw refusal('StreamsUnchecked', { detail: 'a stream is missing.' });
    }
  }
}
