/**
 * One request from its headers to the last byte of its answer.
 *
 *   admitted → body read → handled → answered → closed
 *
 * Each step may end in an error, which is answered in the envelope. A client that goes away ends
 * the exchange at any point; what its handler still does is its own affair. An answer given before
 * the body has arrived asks the client to close, and the rest of the body is dropped for a moment,
 * so that the client can read the answer at all.
 *
 * This is the hot path of every gateway: no timer, no random bytes and no hook for each request;
 * times are watched by one sweep over all exchanges.
 */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { Log } from '@millrace/kit/log';
import { continueTrace } from '@millrace/kit/trace';
import { Transient } from '@millrace/kit/transient';
import { announcesBody, noBody, readBody, type BodyReading } from './body.ts';
import { clientAddress } from './client-address.ts';
import { errorAnswer } from './envelope.ts';
import type { HttpLimits } from './limits.ts';
import { RequestError } from './request-error.ts';
import { requestId } from './request-id.ts';
import { parseTarget, type RequestTarget } from './request-target.ts';
import { EventStream, eventStreamHeaders, type ProduceEvents } from './sse.ts';
import type { HttpTelemetry } from './telemetry.ts';

export interface HttpRequest {
  readonly method: string;
  readonly target: RequestTarget;
  readonly headers: IncomingHttpHeaders;
  /** Empty for GET and HEAD. */
  readonly body: Buffer;
  /** Address of the client, for IPv6 the /64 it is in. */
  readonly client: string;
  /** Names the route for metrics; until then the request counts as `unknown`. */
  readonly routed: (route: string) => void;
  readonly id: string;
}

export interface HttpReply {
  /** Default 200. */
  readonly status?: number;
  /** Empty: an answer without a body and without a content type. */
  readonly body: string;
  /** Of the body; default JSON. */
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Instead of a body: events, for as long as the client listens. */
  readonly events?: ProduceEvents;
}

export type Handle = (request: HttpRequest) => Promise<HttpReply>;

/** What all exchanges of a service share. */
export interface Flight {
  readonly handle: Handle;
  readonly methods: ReadonlySet<string>;
  readonly limits: HttpLimits;
  readonly telemetry: HttpTelemetry;
  readonly log: Log;
  /**
   * In no order. Not a Set: the tables that it grows out of each refer to the next one, so that one that
   * became old keeps all later ones alive, with the exchanges in them (measured: every request was then
   * copied by the garbage collector until the next full collection).
   */
  readonly open: Exchange[];
  /** Exchanges whose answer is events; they are none of the above, since they may last for hours. */
  readonly streams: Set<EventStream>;
  heldBytes: number;
  draining: boolean;
  /** Nobody new can come: streams end. */
  leaving: boolean;
}

/** The most of a refused body that is read and dropped. */
const lingerBytesMax = 4 * 1024 * 1024;

/** A body is a mistake there, and is dropped. */
const bodiless: ReadonlySet<string> = new Set(['GET', 'HEAD']);

const jsonType = 'application/json; charset=utf-8';

const bodyHeaders = ['x-content-type-options', 'nosniff', 'cache-control', 'no-store'];

const noTarget: RequestTarget = { segments: [], query: new Map() };

export class Exchange implements HttpRequest {
  readonly id: string;
  target: RequestTarget = noTarget;
  body: Buffer = noBody;
  readonly #flight: Flight;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #startedAt = performance.now();
  #route = 'unknown';
  #reading: BodyReading | undefined;
  #awaitsContinue: boolean;
  #heldBytes = 0;
  /** When a stream of events began: how long it lasts says nothing about how fast we are. */
  #answeredAt: number | undefined;
  #lingerUntil = Infinity;
  /** Where it is in `open`. */
  #slot = 0;

  constructor(flight: Flight, request: IncomingMessage, response: ServerResponse) {
    this.#flight = flight;
    this.#request = request;
    this.#response = response;
    this.id = requestId(request);
    this.#awaitsContinue = request.headers.expect !== undefined;
  }

  get method(): string {
    return this.#request.method ?? '';
  }

  get headers(): IncomingHttpHeaders {
    return this.#request.headers;
  }

  get client(): string {
    return clientAddress(this.#request.socket);
  }

  readonly routed = (route: string): void => {
    this.#route = route;
  };

  async run(): Promise<void> {
    this.#slot = this.#flight.open.push(this) - 1;
    // `close` fires once for every answer, also when the client went away.
    this.#response.on('close', () => this.#closed());
    try {
      this.#admit();
      if (!bodiless.has(this.method) && announcesBody(this.#request)) {
        this.body = await this.#readBody();
      }
      this.target = parseTarget(this.#request.url ?? '');
      const reply = await this.#flight.handle(this);
      if (reply.events === undefined) this.#answer(reply);
      else await this.#stream(reply.events);
    } catch (error) {
      this.#refuse(error);
    }
  }

  /** Looks at the time; called now and then for every exchange that is open. */
  sweep(now: number): void {
    const { requestTimeoutMs, answerTimeoutMs } = this.#flight.limits;
    const ageMs = now - this.#startedAt;
    if (ageMs > requestTimeoutMs) this.#reading?.fail(requestTimeout());
    if (now > this.#lingerUntil) this.#response.end();
    if (ageMs > answerTimeoutMs) this.#response.destroy();
  }

  /** Refuses what is beyond the bounds before any work is done. */
  #admit(): void {
    const { methods, limits, open, heldBytes } = this.#flight;
    if (!methods.has(this.method)) throw methodNotAllowed(methods);
    if (Buffer.byteLength(this.#request.url ?? '') > limits.urlBytesMax) {
      throw new RequestError('The URL is too long.', { status: 414, code: 'UrlTooLong' });
    }
    if (open.length > limits.inFlightMax || heldBytes > limits.heldBytesMax) throw overloaded();
  }

  async #readBody(): Promise<Buffer> {
    this.#reading = readBody(this.#request, {
      bytesMax: this.#flight.limits.bodyBytesMax,
      held: (bytes) => {
        this.#hold(bytes);
        if (this.#flight.heldBytes > this.#flight.limits.heldBytesMax) throw overloaded();
      },
    });
    if (this.#awaitsContinue && !isTooLong(this.#request, this.#flight.limits)) {
      this.#awaitsContinue = false;
      this.#response.writeContinue();
    }
    const bytes = await this.#reading.bytes;
    this.#reading = undefined;
    return bytes;
  }

  #hold(bytes: number): void {
    this.#heldBytes += bytes;
    this.#flight.heldBytes += bytes;
  }

  #refuse(error: unknown): void {
    this.#reading = undefined;
    // Destroyed: the client went away, there is nobody to answer.
    if (this.#response.destroyed || this.#response.headersSent) return;
    const answer = errorAnswer(error, this.id);
    if (answer.status >= 500 && answer.status !== 503) {
      const { traceId } = continueTrace(this.headers['traceparent']);
      const log = this.#flight.log.child({ requestId: this.id, traceId });
      this.#flight.telemetry.requestFailed(error, log);
    }
    this.#answer(answer);
  }

  #answer({ status = 200, body, type = jsonType, headers = {} }: HttpReply): void {
    const response = this.#response;
    const length = Buffer.byteLength(body);
    const head = ['x-request-id', this.id];
    head.push(...describing(status, length, type));
    for (const name in headers) head.push(name, headers[name] ?? '');
    const isUnread = !this.#request.complete && announcesBody(this.#request);
    // While draining, the client opens its next connection to somebody who stays.
    if (this.#flight.draining || isUnread) head.push('connection', 'close');
    response.writeHead(status, head);
    this.#hold(length);
    if (isUnread && !this.#awaitsContinue) this.#linger(body);
    else response.end(body);
  }

  /** Answers with events until their producer has none left, or the client or this process leaves. */
  async #stream(produce: ProduceEvents): Promise<void> {
    const { streams, limits, telemetry, draining, leaving, log } = this.#flight;
    const response = this.#response;
    if (response.destroyed) return;
    if (streams.size >= limits.streamsMax) throw overloaded();
    this.#leaveOpen();
    this.#answeredAt = performance.now();
    const head = ['x-request-id', this.id, ...eventStreamHeaders];
    if (draining) head.push('connection', 'close');
    response.writeHead(200, head);
    if (this.method === 'HEAD') {
      response.end();
      return;
    }
    const { streamHeartbeatMs, streamStallMs, streamAgeMs } = limits;
    const stream = new EventStream(response, {
      heartbeatMs: streamHeartbeatMs,
      stallMs: streamStallMs,
      ...(streamAgeMs === undefined ? {} : { ageMs: streamAgeMs }),
      dropped: () => telemetry.streamDropped(),
    });
    streams.add(stream);
    response.once('close', () => streams.delete(stream));
    if (leaving) stream.leave();
    try {
      await produce(stream);
    } catch (error) {
      telemetry.requestFailed(error, log.child({ requestId: this.id }));
    }
    stream.finish();
  }

  /** Sends all of the answer but its end, at which the socket is closed. */
  #linger(body: string): void {
    this.#lingerUntil = performance.now() + this.#flight.limits.lingerMs;
    if (body === '') this.#response.flushHeaders();
    else this.#response.write(body);
    let dropped = 0;
    this.#request.on('data', (piece: Buffer) => {
      dropped += piece.length;
      if (dropped > lingerBytesMax) this.#response.end();
    });
    this.#request.on('error', () => this.#response.end());
    this.#request.on('end', () => this.#response.end());
  }

  #leaveOpen(): void {
    const { open } = this.#flight;
    if (open[this.#slot] !== this) return;
    const last = open.pop();
    if (last !== undefined && last !== this) {
      last.#slot = this.#slot;
      open[this.#slot] = last;
    }
  }

  #closed(): void {
    const { telemetry } = this.#flight;
    this.#leaveOpen();
    this.#flight.heldBytes -= this.#heldBytes;
    this.#heldBytes = 0;
    telemetry.requestAnswered({
      route: this.#route,
      status: this.#response.writableFinished ? this.#response.statusCode : undefined,
      durationMs: (this.#answeredAt ?? performance.now()) - this.#startedAt,
    });
  }
}

/** More work than the bounds allow; refused at once, so that the work in flight stays fast. */
export function overloaded(): Transient {
  return new Transient('Overloaded', 'The service is answering as many requests as it can.', {
    retryAfterMs: 1_000,
  });
}

function isTooLong({ headers }: IncomingMessage, { bodyBytesMax }: HttpLimits): boolean {
  return Number(headers['content-length']) > bodyBytesMax;
}

function describing(status: number, length: number, type: string): readonly string[] {
  // An answer that says there is no content must not say how long it is.
  if (status === 204) return [];
  const head = ['content-length', String(length)];
  return length === 0 ? head : [...head, 'content-type', type, ...bodyHeaders];
}

function requestTimeout(): RequestError {
  return new RequestError('The request took too long to arrive.', {
    status: 408,
    code: 'RequestTimeout',
  });
}

function methodNotAllowed(methods: ReadonlySet<string>): RequestError {
  const allow = [...methods].join(', ');
  return new RequestError(`Only ${[...methods].join(' and ')} are served here.`, {
    status: 405,
    code: 'MethodNotAllowed',
    headers: { allow },
  });
}
