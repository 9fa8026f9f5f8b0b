/**
 * One watch: a request whose answer is a line of JSON an event, until the server's time is up.
 *
 * It ends quietly when the server closes it, when its signal aborts, and when no byte has come for a
 * while; the reflector then resumes after the last version it has seen. The silence bound is what
 * finds a half-open connection: bookmarks are no heartbeat (a quiet watch may get none in 70 s,
 * measured), TCP keep-alive finds a lost host and not a frozen server, so asking again is the only
 * proof, at the cost of one request each 90 s of silence. Everything else that ends it is a failure.
 */
import type { KubeObject, ResourceType, WatchEvent, WatchOptions } from '../machinery/kube-api.ts';
import type { KubeFailure } from '../machinery/kube-failure.ts';
import { failureOfNetwork, failureOfStatus, garbage, isStatus } from './http-failure.ts';
import { JsonLines } from './json-lines.ts';
import type { TransportLimits } from './limits.ts';
import { collectionPath, fieldSelector, labelSelector, withQuery } from './paths.ts';
import { describeCall, type Transport } from './transport.ts';

/** Spread, so that watches begun together do not all come back together. */
const serverSecondsMin = 240;
const serverSecondsMax = 480;

export interface WatchSettings {
  readonly transport: Transport;
  readonly limits: TransportLimits;
  /** In [0, 1). */
  readonly random: () => number;
}

export async function* watchObjects(
  type: ResourceType,
  options: WatchOptions,
  { transport, limits, random }: WatchSettings,
): AsyncGenerator<WatchEvent, void, undefined> {
  const seconds = serverSecondsMin + random() * (serverSecondsMax - serverSecondsMin);
  const path = withQuery(collectionPath(type, options.namespace), {
    watch: true,
    allowWatchBookmarks: true,
    resourceVersion: options.resourceVersion,
    timeoutSeconds: Math.round(seconds),
    labelSelector: labelSelector(options),
    fieldSelector: fieldSelector(options),
  });
  const call = { verb: 'watch', plural: type.plural, method: 'GET', path } as const;
  const what = describeCall(call);
  if (options.signal.aborted) return;
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  try {
    const body = await transport.stream(call, signal);
    for await (const line of linesOf(body, { limits, what })) {
      if (options.signal.aborted) return;
      yield eventOf(line, { what, trim: options.trim });
    }
  } catch (error) {
    if (options.signal.aborted) return;
    throw failureOfNetwork(error, what);
  } finally {
    // Closes the socket of a watch whose consumer has had enough.
    stop.abort();
  }
}

type Body = AsyncIterable<Buffer> & { destroy(): unknown };

async function* linesOf(
  body: Body,
  { limits, what }: { readonly limits: TransportLimits; readonly what: string },
): AsyncGenerator<unknown, void, undefined> {
  const lines = new JsonLines(limits.lineBytesMax);
  for await (const chunk of untilSilent(body, limits.watchIdleMs)) {
    try {
      yield* lines.take(chunk);
    } catch (error) {
      throw garbage(what, 'it sent what is not an event', error);
    }
  }
  if (lines.isInLine) throw garbage(what, 'it ended within an event');
}

/** The time a consumer takes does not count: only waiting for the server does. */
async function* untilSilent(body: Body, idleMs: number): AsyncGenerator<Buffer, void, undefined> {
  const chunks = body[Symbol.asyncIterator]();
  for (;;) {
    const silent = Symbol('silent');
    let timer: NodeJS.Timeout | undefined;
    const silence = new Promise<typeof silent>((resolve) => {
      timer = setTimeout(() => resolve(silent), idleMs);
    });
    const next = chunks.next();
    const first = await Promise.race([next, silence]).finally(() => clearTimeout(timer));
    if (first === silent) {
      body.destroy();
      // The read that is given up fails with the body; nobody waits for it any more.
      next.catch(() => undefined);
      return;
    }
    if (first.done === true) return;
    yield first.value;
  }
}

interface Line {
  readonly type?: unknown;
  readonly object?: KubeObject;
}

function eventOf(
  line: unknown,
  { what, trim }: { readonly what: string; readonly trim: WatchOptions['trim'] },
): WatchEvent {
  const { type, object } = (line ?? {}) as Line;
  if (type === 'ERROR') throw errorEvent(object, what);
  const resourceVersion = object?.metadata?.resourceVersion;
  if (object === undefined || resourceVersion === undefined) {
    throw garbage(what, 'it sent an event without an object or its version');
  }
  switch (type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
      return { type, object: trim === undefined ? object : trim(object) };
    case 'BOOKMARK':
      return { type, resourceVersion };
    default:
      throw garbage(what, 'it sent an event of an unknown type');
  }
}

function errorEvent(status: unknown, what: string): KubeFailure {
  const code = isStatus(status) && typeof status.code === 'number' ? status.code : 500;
  return failureOfStatus(code, status, { what });
}
