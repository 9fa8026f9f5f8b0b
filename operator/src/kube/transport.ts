/**
 * One call to the API server: an answer as parsed JSON, or a `KubeFailure`. Knows no verbs.
 *
 * Every attempt and every call as a whole has a deadline, every answer a bound on its size, and every
 * request is told to the observer. Repeated here is only what the server asked for or provably did
 * not execute: 429 and 503 with `Retry-After`, within bounds; 401 once with the credentials read
 * again; and a read whose kept-alive connection broke under it, once. All other failures go to the
 * caller, because the work queue backs off per object, and two layers that repeat multiply.
 */
import { setTimeout as startTimer, clearTimeout } from 'node:timers';
import type { Clock } from '@millrace/kit/clock';
import type { Dispatcher, Pool } from 'undici';
import { KubeFailure } from '../machinery/kube-failure.ts';
import type { Connection } from './connection.ts';
import { Connections } from './connections.ts';
import {
  codeOf,
  failureOfNetwork,
  failureOfStatus,
  garbage,
  namesAnObject,
} from './http-failure.ts';
import { Identity } from './identity.ts';
import type { TransportLimits } from './limits.ts';
import { Slots } from './slots.ts';

export interface ApiCallEvents {
  /** Every request, also the repeated ones; `failed` is one without an answer. */
  called(event: {
    readonly verb: string;
    /** The plural of the resource. */
    readonly type: string;
    readonly code: number | 'failed';
    readonly durationMs: number;
    readonly isWrite: boolean;
  }): void;
}

export interface Call {
  readonly verb: string;
  readonly plural: string;
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** With the query; below the server's own path. */
  readonly path: string;
  readonly body?: object;
  readonly contentType?: string;
  /** A 404 that names the object is an answer, `undefined`; one of an unknown type stays a failure. */
  readonly mayBeAbsent?: boolean;
  /** A list's page may take longer. */
  readonly attemptMs?: number;
}

export interface TransportOptions {
  readonly connection: Connection;
  readonly clock: Clock;
  readonly limits: TransportLimits;
  readonly events?: ApiCallEvents | undefined;
}

interface Answer {
  readonly code: number;
  readonly body: unknown;
  readonly retryAfterMs: number | undefined;
}

type Response = Dispatcher.ResponseData;

interface Sent {
  readonly response: Response;
  /** Whose connection it came over. */
  readonly pool: Pool;
}

export class Transport {
  readonly #options: TransportOptions;
  readonly #identity: Identity;
  readonly #connections: Connections;
  readonly #slots: Slots;
  readonly #basePath: string;
  readonly #closing = new AbortController();

  constructor(options: TransportOptions) {
    const { connection, clock, limits } = options;
    this.#options = options;
    this.#identity = new Identity(connection, clock);
    this.#connections = new Connections(connection.server, limits);
    this.#slots = new Slots(limits.connectionsMax);
    this.#basePath = new URL(connection.server).pathname.replace(/\/+$/, '');
  }

  /** Resolves to the JSON of a 2xx answer, or to undefined for what may be and is absent. */
  async request(call: Call): Promise<unknown> {
    return await this.#slots.run(async () => await this.#repeat(call));
  }

  /** The body of a 200 answer, still coming. Whoever asks must read it to its end or destroy it. */
  async stream(call: Call, signal: AbortSignal): Promise<Response['body']> {
    let sent = await this.#send(call, signal);
    if (sent.response.statusCode === 401) {
      await sent.response.body.dump();
      this.#identity.refused();
      sent = await this.#send(call, signal);
    }
    if (sent.response.statusCode === 200) return sent.response.body;
    const { code, body, retryAfterMs } = await this.#read(call, sent);
    throw failureOfStatus(code, body, { what: describeCall(call), retryAfterMs });
  }

  /** Ends every call and watch that is under way. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#connections.close();
  }

  async #repeat(call: Call): Promise<unknown> {
    const { clock, limits } = this.#options;
    const endAt = clock.monotonic() + limits.callMs;
    let hasNewToken = false;
    for (let attempt = 1; ; attempt++) {
      const answer = await this.#attemptOrAgain(call, attempt);
      if (answer === undefined) continue;
      const { code, body, retryAfterMs } = answer;
      if (code >= 200 && code < 300) return body;
      if (code === 404 && call.mayBeAbsent === true && namesAnObject(body)) return undefined;
      if (code === 401 && !hasNewToken) {
        hasNewToken = true;
        this.#identity.refused();
        continue;
      }
      if (!this.#mayRepeat(answer, { attempt, endAt })) {
        throw failureOfStatus(code, body, { what: describeCall(call), retryAfterMs });
      }
      await clock.sleep(retryAfterMs ?? 0, this.#closing.signal);
    }
  }

  /** Undefined when a read lost its connection and may be sent again. */
  async #attemptOrAgain(call: Call, attempt: number): Promise<Answer | undefined> {
    try {
      return await this.#attempt(call);
    } catch (error) {
      const isBroken = error instanceof KubeFailure && brokenConnection.has(codeOf(error.cause));
      if (attempt === 1 && call.method === 'GET' && isBroken) return undefined;
      throw error;
    }
  }

  #mayRepeat(
    { code, retryAfterMs }: Answer,
    { attempt, endAt }: { readonly attempt: number; readonly endAt: number },
  ): boolean {
    const { clock, limits } = this.#options;
    if ((code !== 429 && code !== 503) || retryAfterMs === undefined) return false;
    if (this.#closing.signal.aborted || attempt >= limits.attemptsMax) return false;
    const isSoon = retryAfterMs <= limits.retryAfterMsMax;
    return isSoon && clock.monotonic() + retryAfterMs < endAt;
  }

  async #attempt(call: Call): Promise<Answer> {
    // Sockets live in real time, whatever clock the rest of a test is given.
    const deadline = new AbortController();
    const timer = startTimer(
      () => deadline.abort(),
      call.attemptMs ?? this.#options.limits.attemptMs,
    );
    try {
      return await this.#read(call, await this.#send(call, deadline.signal));
    } finally {
      clearTimeout(timer);
    }
  }

  async #send(call: Call, signal: AbortSignal): Promise<Sent> {
    const { clock, events, limits } = this.#options;
    const { authorization, tls } = await this.#identity.current();
    const isWatch = call.verb === 'watch';
    const pool = isWatch ? this.#connections.forWatches(tls) : this.#connections.forCalls(tls);
    const began = clock.monotonic();
    const tell = (code: number | 'failed') =>
      events?.called({
        verb: call.verb,
        type: call.plural,
        code,
        durationMs: clock.monotonic() - began,
        isWrite: call.method !== 'GET',
      });
    try {
      const response = await pool.request({
        method: call.method,
        path: `${this.#basePath}${call.path}`,
        headers: headersOf(call, authorization),
        body: call.body === undefined ? null : JSON.stringify(call.body),
        signal,
        ...(isWatch ? {} : { headersTimeout: call.attemptMs ?? limits.attemptMs }),
      });
      tell(response.statusCode);
      return { response, pool };
    } catch (error) {
      tell('failed');
      throw this.#failed(error, { pool, what: describeCall(call) });
    }
  }

  /** What a failed connection teaches about the ones to come. */
  #failed(error: unknown, { pool, what }: { readonly pool: Pool; readonly what: string }) {
    const failure = failureOfNetwork(error, what);
    if (failure.reason === 'Timeout') this.#connections.distrust(pool);
    else if (failure.reason === 'Unavailable') this.#identity.suspect();
    return failure;
  }

  async #read(call: Call, { response, pool }: Sent): Promise<Answer> {
    const what = describeCall(call);
    const text = await this.#text(response, { pool, what });
    const { statusCode: code, headers } = response;
    const retryAfterMs = this.#retryAfter(headers['retry-after']);
    try {
      return { code, body: text === '' ? undefined : JSON.parse(text), retryAfterMs };
    } catch (error) {
      // A proxy says 502 in HTML; that its body is no JSON tells nothing more.
      if (code >= 300) return { code, body: undefined, retryAfterMs };
      throw garbage(what, 'the answer is not JSON', error);
    }
  }

  async #text(
    { body }: Response,
    { pool, what }: { readonly pool: Pool; readonly what: string },
  ): Promise<string> {
    const { bodyBytesMax } = this.#options.limits;
    const chunks: Buffer[] = [];
    let bytes = 0;
    try {
      for await (const chunk of body as AsyncIterable<Buffer>) {
        bytes += chunk.length;
        if (bytes > bodyBytesMax) {
          throw garbage(what, `the answer is larger than ${bodyBytesMax} bytes`);
        }
        chunks.push(chunk);
      }
    } catch (error) {
      throw this.#failed(error, { pool, what });
    }
    return Buffer.concat(chunks).toString('utf8');
  }

  /** Seconds, or a date. */
  #retryAfter(header: string | string[] | undefined): number | undefined {
    if (typeof header !== 'string') return undefined;
    if (/^\d+$/.test(header)) return Number(header) * 1000;
    const at = Date.parse(header);
    return Number.isNaN(at) ? undefined : Math.max(0, at - this.#options.clock.now());
  }
}

/** What a kept-alive connection says that the server had just closed. */
const brokenConnection = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE']);

function headersOf(call: Call, authorization: string | undefined): Record<string, string> {
  return {
    accept: 'application/json',
    // Its first part is the field manager of whatever is written without one.
    'user-agent': 'millrace/v1alpha1',
    ...(call.body === undefined ? {} : { 'content-type': call.contentType ?? 'application/json' }),
    ...(authorization === undefined ? {} : { authorization }),
  };
}

/** For messages: the verb and the path, without the query. */
export function describeCall({ verb, path }: Pick<Call, 'verb' | 'path'>): string {
  return `${verb} ${path.split('?', 1)[0] ?? path}`;
}
