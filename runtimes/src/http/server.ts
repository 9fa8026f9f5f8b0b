/**
 * An HTTP service with one error envelope, bounded in everything, that drains without failing a
 * request.
 *
 * Guarantees: every answer, also to what is not HTTP at all, is `application/json` in the envelope
 * with a request id; time to send a request, to read an answer, requests in flight and answer bytes
 * held are bounded, and beyond the bound the answer is 503 with Retry-After at once. Values never
 * reach the log: requests are known there by id. It knows no kind: a `handle` function answers
 * targets, and names the route for metrics.
 */
import { randomUUID } from 'node:crypto';
import { Server as NetServer, type AddressInfo } from 'node:net';
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Clock } from '@millrace/kit/clock';
import type { Log } from '@millrace/kit/log';
import type { Metrics } from '@millrace/kit/metrics';
import { continueTrace } from '@millrace/kit/trace';
import { Transient } from '@millrace/kit/transient';
import { answerExpectation, answerProtocolError } from './client-error.ts';
import { errorAnswer } from './envelope.ts';
import { RequestError } from './request-error.ts';
import { parseTarget, type RequestTarget } from './request-target.ts';
import { httpTelemetry, type HttpTelemetry } from './telemetry.ts';

export interface HttpRequest {
  readonly target: RequestTarget;
  /** Names the route for metrics; until then the request counts as `unknown`. */
  readonly routed: (route: string) => void;
}

export interface HttpLimits {
  readonly headerBytesMax: number;
  readonly urlBytesMax: number;
  readonly requestTimeoutMs: number;
  readonly connectionTimeoutMs: number;
  readonly answerTimeoutMs: number;
  readonly connectionsMax: number;
  readonly inFlightMax: number;
  readonly heldBytesMax: number;
}

export const defaultLimits: HttpLimits = {
  headerBytesMax: 16 * 1024,
  /** A cursor over the longest keys that an index holds stays under 6 KiB. */
  urlBytesMax: 8 * 1024,
  /** From the first byte of a request to its last: a client that dribbles is let go. */
  requestTimeoutMs: 10_000,
  /** A socket on which nothing moves, for example because the client does not read. */
  connectionTimeoutMs: 30_000,
  /** From the headers to the last byte of the answer, for clients that read one byte at a time. */
  answerTimeoutMs: 60_000,
  connectionsMax: 4_096,
  inFlightMax: 512,
  /** Answers that clients have not read yet. */
  heldBytesMax: 64 * 1024 * 1024,
};

/** Longer than the 60 s for which proxies keep idle connections, so that they close them first. */
const keepAliveTimeoutMs = 72_000;
/** Only GET is served; a body is a mistake. */
const bodyBytesMax = 1024;
/** How often a drain looks whether the last request is answered. */
const drainPollMs = 20;
/** How long a connection that is open and idle may still send a request while we close. */
const lingerMs = 500;

export interface HttpOptions {
  readonly host: string;
  /** 0 takes a free port; the one taken is in the result. */
  readonly port: number;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: Clock;
  /** Answers GET and HEAD with the body of a 200; throws what errorAnswer understands. */
  readonly handle: (request: HttpRequest) => Promise<string>;
  readonly limits?: Partial<HttpLimits>;
}

export interface DrainOptions {
  /** How long new connections are still taken, while the news that we are leaving spreads. */
  readonly propagationMs: number;
  /** How long requests in flight may then take. */
  readonly finishMs: number;
}

export interface HttpService extends AsyncDisposable {
  readonly port: number;
  /** Finishes what came in, refuses nothing before the propagation time is over, then closes. */
  drain(options: DrainOptions): Promise<void>;
}

interface Flight {
  requests: number;
  heldBytes: number;
  draining: boolean;
}

declare module 'fastify' {
  interface FastifyRequest {
    millraceRoute: string;
  }
}

export async function startHttp(options: HttpOptions): Promise<HttpService> {
  const limits = { ...defaultLimits, ...options.limits };
  const flight: Flight = { requests: 0, heldBytes: 0, draining: false };
  const telemetry = httpTelemetry(options.metrics, () => flight.requests);
  const app = createApp(limits, telemetry);
  admit(app, { limits, flight, telemetry });
  const answerFailure = (error: unknown, request: FastifyRequest, reply: FastifyReply): void => {
    const answer = errorAnswer(error, request.id);
    if (answer.status >= 500 && answer.status !== 503) {
      const { traceId } = continueTrace(request.headers['traceparent']);
      telemetry.requestFailed(error, options.log.child({ requestId: request.id, traceId }));
    }
    void reply.code(answer.status).headers(answer.headers).send(answer.body);
  };
  app.setErrorHandler(answerFailure);
  app.setNotFoundHandler(() => {
    throw methodNotAllowed();
  });
  app.get('/', async (request) =>
    options.handle({
      target: parseTarget(request.originalUrl),
      routed: (route) => {
        request.millraceRoute = route;
      },
    }),
  );
  await app.listen({ host: options.host, port: options.port });
  return {
    port: (app.server.address() as AddressInfo).port,
    drain: (drainOptions) => drain({ app, flight, clock: options.clock }, drainOptions),
    [Symbol.asyncDispose]: () => app.close(),
  };
}

function createApp(limits: HttpLimits, telemetry: HttpTelemetry): FastifyInstance {
  const app = fastify({
    logger: false,
    bodyLimit: bodyBytesMax,
    requestTimeout: limits.requestTimeoutMs,
    connectionTimeout: limits.connectionTimeoutMs,
    keepAliveTimeout: keepAliveTimeoutMs,
    forceCloseConnections: true,
    genReqId: (request) => requestId(request.headers['x-request-id']),
    // One route for every path: the router's decoding is tolerant, parseTarget's is not.
    rewriteUrl: () => '/',
    http: {
      maxHeaderSize: limits.headerBytesMax,
      headersTimeout: limits.requestTimeoutMs,
      // How often expired requests are looked for; Node's half minute would triple their time.
      connectionsCheckingInterval: Math.min(2_000, limits.requestTimeoutMs),
      requireHostHeader: false,
    },
    clientErrorHandler: (error, socket) => {
      const status = answerProtocolError(error, socket);
      if (status !== undefined) {
        telemetry.requestAnswered({ route: 'unknown', status, durationMs: 0 });
      }
    },
  });
  app.decorateRequest('millraceRoute', 'unknown');
  app.server.on('checkExpectation', answerExpectation);
  app.server.maxConnections = limits.connectionsMax;
  return app;
}

interface Admission {
  readonly limits: HttpLimits;
  readonly flight: Flight;
  readonly telemetry: HttpTelemetry;
}

/** Counts each request in and out, and refuses those beyond the bounds before any work is done. */
function admit(app: FastifyInstance, { limits, flight, telemetry }: Admission): void {
  app.addHook('onRequest', async (request, reply) => {
    const startedAt = performance.now();
    flight.requests += 1;
    const expiry = setTimeout(() => reply.raw.destroy(), limits.answerTimeoutMs);
    // `close` fires once for every answer, also when the client went away.
    reply.raw.once('close', () => {
      clearTimeout(expiry);
      flight.requests -= 1;
      telemetry.requestAnswered({
        route: request.millraceRoute,
        status: reply.raw.statusCode,
        durationMs: performance.now() - startedAt,
      });
    });
    if (request.method !== 'GET' && request.method !== 'HEAD') throw methodNotAllowed();
    if (Buffer.byteLength(request.originalUrl) > limits.urlBytesMax) {
      throw new RequestError('The URL is too long.', { status: 414, code: 'UrlTooLong' });
    }
    if (flight.requests > limits.inFlightMax || flight.heldBytes > limits.heldBytesMax) {
      throw overloaded();
    }
  });
  app.addHook('onSend', async (request, reply, payload) => {
    reply.header('content-type', 'application/json; charset=utf-8');
    reply.header('x-request-id', request.id);
    reply.header('x-content-type-options', 'nosniff');
    reply.header('cache-control', 'no-store');
    // The client opens its next connection to somebody who stays.
    if (flight.draining) reply.header('connection', 'close');
    const bytes = typeof payload === 'string' ? Buffer.byteLength(payload) : 0;
    flight.heldBytes += bytes;
    reply.raw.once('close', () => {
      flight.heldBytes -= bytes;
    });
    return payload;
  });
}

/** More work than the bounds allow; refused at once, so that the work in flight stays fast. */
export function overloaded(): Transient {
  return new Transient('Overloaded', 'The service is answering as many requests as it can.', {
    retryAfterMs: 1_000,
  });
}

function methodNotAllowed(): RequestError {
  return new RequestError('Only GET and HEAD are served here.', {
    status: 405,
    code: 'MethodNotAllowed',
    headers: { allow: 'GET, HEAD' },
  });
}

/** A client's own id is kept when it is harmless in a log and a header. */
function requestId(header: string | string[] | undefined): string {
  return typeof header === 'string' && /^[A-Za-z0-9._-]{1,64}$/.test(header)
    ? header
    : randomUUID();
}

interface Draining {
  readonly app: FastifyInstance;
  readonly flight: Flight;
  readonly clock: Clock;
}

/**
 * Order matters. First every answer says `connection: close` while new connections are still taken,
 * because those who send them have not heard yet; then listening ends; then requests in flight
 * finish; only then does the framework close, since while closing it answers 503.
 */
async function drain({ app, flight, clock }: Draining, options: DrainOptions): Promise<void> {
  flight.draining = true;
  await clock.sleep(options.propagationMs);
  // Of net, since http's own close also cuts idle connections, on which a request may be on its way.
  NetServer.prototype.close.call(app.server);
  const now = clock.monotonic();
  const lingerUntil = now + Math.min(lingerMs, options.finishMs);
  const finishUntil = now + options.finishMs;
  while (clock.monotonic() < (flight.requests > 0 ? finishUntil : lingerUntil)) {
    if ((await openConnections(app)) === 0) break;
    await clock.sleep(drainPollMs);
  }
  await app.close();
}

function openConnections(app: FastifyInstance): Promise<number> {
  return new Promise((resolve) => {
    app.server.getConnections((error, count) => resolve(error === null ? count : 0));
  });
}
