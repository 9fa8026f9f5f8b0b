/**
 * An HTTP service with one error envelope, bounded in everything, that drains without failing a
 * request.
 *
 * Guarantees: every answer, also to what is not HTTP at all, is `application/json` in the envelope
 * with a request id, or empty; time to send a request, to read an answer, requests in flight, bodies
 * and answers held are bounded, and beyond the bound the answer is 503 with Retry-After at once.
 * Values never reach the log: requests are known there by id. It knows no kind: a `handle` function
 * answers targets, and names the route for metrics.
 *
 * It stands on Node's own server. A framework would bring routing, parsers and hooks of which this
 * uses none: there is one route, bodies are bytes, and the strict reading of the target is ours.
 */
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { Server as NetServer, type AddressInfo } from 'node:net';
import type { Clock } from '@millrace/kit/clock';
import type { Log } from '@millrace/kit/log';
import type { Metrics } from '@millrace/kit/metrics';
import { answerExpectation, answerProtocolError } from './client-error.ts';
import { Exchange, type Flight, type Handle } from './exchange.ts';
import { defaultLimits, type HttpLimits } from './limits.ts';
import type { EventStream } from './sse.ts';
import { httpTelemetry } from './telemetry.ts';

export type { Handle, HttpReply, HttpRequest } from './exchange.ts';
export type { HttpLimits } from './limits.ts';
export type { EventSink, ServerEvent } from './sse.ts';

/** Longer than the 60 s for which proxies keep idle connections, so that they close them first. */
const keepAliveTimeoutMs = 72_000;
/** How often a drain looks whether the last request is answered. */
const drainPollMs = 20;
/** How long a connection that is open and idle may still send a request while we close. */
const lingerMs = 500;
/** How often the time limits of requests are looked at. */
const sweepIntervalMaxMs = 500;
/** Connections that may wait to be accepted: a herd that reconnects comes all at once. */
const backlog = 4_096;

export interface HttpOptions {
  readonly host: string;
  /** 0 takes a free port; the one taken is in the result. */
  readonly port: number;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: Clock;
  /** Throws what errorAnswer understands. */
  readonly handle: Handle;
  /** Others are answered 405; default GET and HEAD. */
  readonly methods?: readonly string[];
  /** Short for the limit of that name. */
  readonly bodyBytesMax?: number;
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

export async function startHttp(options: HttpOptions): Promise<HttpService> {
  const limits: HttpLimits = {
    ...defaultLimits,
    ...(options.bodyBytesMax === undefined ? {} : { bodyBytesMax: options.bodyBytesMax }),
    ...options.limits,
  };
  const open: Exchange[] = [];
  const streams = new Set<EventStream>();
  const flight: Flight = {
    handle: options.handle,
    methods: new Set(options.methods ?? ['GET', 'HEAD']),
    limits,
    telemetry: httpTelemetry(options.metrics, {
      requests: () => open.length,
      streams: () => streams.size,
    }),
    log: options.log,
    open,
    streams,
    heldBytes: 0,
    draining: false,
    leaving: false,
  };
  const server = createHttpServer(flight);
  const sweepIntervalMs = Math.min(
    sweepIntervalMaxMs,
    limits.requestTimeoutMs / 4,
    limits.answerTimeoutMs / 4,
    limits.lingerMs,
  );
  const sweeps = setInterval(() => {
    const now = performance.now();
    for (const exchange of open) exchange.sweep(now);
  }, sweepIntervalMs).unref();
  server.listen({ host: options.host, port: options.port, backlog });
  await once(server, 'listening');
  const close = async (): Promise<void> => {
    clearInterval(sweeps);
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  };
  return {
    port: (server.address() as AddressInfo).port,
    drain: async (drainOptions) => {
      await drain({ server, flight, clock: options.clock }, drainOptions);
      await close();
    },
    [Symbol.asyncDispose]: close,
  };
}

function createHttpServer(flight: Flight): Server {
  const { limits, telemetry } = flight;
  const server = createServer({
    keepAliveTimeout: keepAliveTimeoutMs,
    maxHeaderSize: limits.headerBytesMax,
    headersTimeout: limits.requestTimeoutMs,
    // The sweep is earlier and answers better; this is for what it does not see.
    requestTimeout: 2 * limits.requestTimeoutMs + 5_000,
    // How often expired requests are looked for; Node's half minute would triple their time.
    connectionsCheckingInterval: Math.min(2_000, limits.requestTimeoutMs),
    requireHostHeader: false,
  });
  server.timeout = limits.connectionTimeoutMs;
  // Not in Node's documentation. Without it, who shuts down its side after sending gets no answer.
  Object.assign(server, { httpAllowHalfOpen: true });
  server.maxConnections = limits.connectionsMax;
  server.on('request', (request, response) => {
    void new Exchange(flight, request, response).run();
  });
  server.on('checkContinue', (request, response) => {
    void new Exchange(flight, request, response).run();
  });
  server.on('checkExpectation', answerExpectation);
  server.on('clientError', (error, socket) => {
    answerProtocolError(error, socket, (status) => {
      telemetry.requestAnswered({ route: 'unknown', status, durationMs: 0 });
    });
  });
  return server;
}

interface Draining {
  readonly server: Server;
  readonly flight: Flight;
  readonly clock: Clock;
}

/**
 * Order matters. First every answer says `connection: close` while new connections are still taken,
 * because those who send them have not heard yet; then listening ends; then streams of events end,
 * whose clients come back to somebody else and go on where they were; then requests in flight finish;
 * only then are connections cut.
 */
async function drain({ server, flight, clock }: Draining, options: DrainOptions): Promise<void> {
  flight.draining = true;
  await clock.sleep(options.propagationMs);
  // Of net, since http's own close also cuts idle connections, on which a request may be on its way.
  NetServer.prototype.close.call(server);
  flight.leaving = true;
  for (const stream of flight.streams) stream.leave();
  const isBusy = (): boolean => flight.open.length + flight.streams.size > 0;
  const now = clock.monotonic();
  const lingerUntil = now + Math.min(lingerMs, options.finishMs);
  const finishUntil = now + options.finishMs;
  while (clock.monotonic() < (isBusy() ? finishUntil : lingerUntil)) {
    if ((await openConnections(server)) === 0) break;
    await clock.sleep(drainPollMs);
  }
}

function openConnections(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.getConnections((error, count) => resolve(error === null ? count : 0));
  });
}
