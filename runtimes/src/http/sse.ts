/**
 * Server-sent events to one client, bounded in memory and in patience.
 *
 *   open → sending ⇄ waiting for room → finished, or dropped
 *
 * `send` resolves when there is room for more, so a producer never runs ahead of its client: beside
 * the events in hand, what is held for one is at most a slice and what Node's socket takes, together
 * under 256 KiB. An event is sent whole; one that is larger is turned into bytes slice by slice. A client
 * that takes nothing for `stallMs`, or too little in a given time, is dropped; one that went away, or
 * that is asked to leave (by its process, or at `ageMs`), is told to the producer by `signal`, at which
 * its work should end at once. Comments keep proxies from closing a stream on which nothing happens.
 * Clients are asked to reconnect at slightly different times, so that the end of a process does not
 * make a herd of them.
 */
import type { ServerResponse } from 'node:http';

export interface ServerEvent {
  /** Absent: `message`. Letters only. */
  readonly event?: string;
  /** What a client sends as `Last-Event-ID` when it comes back; without line ends. */
  readonly id?: string;
  readonly data: string;
}

export interface EventSink {
  /** Aborts when nobody listens any more, or the stream is to end. */
  readonly signal: AbortSignal;
  /** Resolves when there is room for more, or nobody listens any more; who takes longer is dropped. */
  send(events: readonly ServerEvent[], withinMs?: number): Promise<void>;
}

/** Produces events until it has none left or the signal aborts; never throws for a lost client. */
export type ProduceEvents = (sink: EventSink) => Promise<void>;

export interface EventStreamOptions {
  readonly heartbeatMs: number;
  /** A client that takes nothing for so long is dropped. */
  readonly stallMs: number;
  /** When the producer is asked to end; absent: never. */
  readonly ageMs?: number;
  /** Told once, when the client is dropped for being slow. */
  readonly dropped: () => void;
}

export const eventStreamHeaders: readonly string[] = [
  'content-type',
  'text/event-stream; charset=utf-8',
  'cache-control',
  'no-store',
  'x-content-type-options',
  'nosniff',
  // Asks nginx, and what imitates it, to hand events on as they come.
  'x-accel-buffering',
  'no',
];

/** Events are written in pieces of this size; with the socket's own mark it bounds what is held. */
const sliceBytes = 64 * 1024;
/** When a client whose stream ended comes back: soon, and not all at once. */
const reconnectBaseMs = 500;
const reconnectSpreadMs = 1_000;

export class EventStream implements EventSink {
  readonly #response: ServerResponse;
  readonly #options: EventStreamOptions;
  readonly #over = new AbortController();
  readonly #heartbeats: NodeJS.Timeout;
  readonly #age: NodeJS.Timeout | undefined;
  #isSending = false;

  /** The response's head is written. */
  constructor(response: ServerResponse, options: EventStreamOptions) {
    this.#response = response;
    this.#options = options;
    const retryMs = Math.round(reconnectBaseMs + Math.random() * reconnectSpreadMs);
    response.write(`retry: ${retryMs}\n\n`);
    response.once('close', () => this.#end());
    // Nobody who listens stops sending: a half-closed connection is a client that went away, which
    // the next write would notice many seconds later.
    const { socket } = response;
    const gone = (): void => this.#end();
    socket?.once('end', gone);
    response.once('close', () => socket?.off('end', gone));
    this.#heartbeats = setInterval(() => {
      // Between two pieces of an event a comment would become part of it.
      if (!this.#isSending) response.write(': still here\n\n');
    }, options.heartbeatMs).unref();
    const { ageMs } = options;
    if (ageMs !== undefined) this.#age = setTimeout(() => this.leave(), ageMs).unref();
  }

  get signal(): AbortSignal {
    return this.#over.signal;
  }

  async send(events: readonly ServerEvent[], withinMs?: number): Promise<void> {
    const patience =
      withinMs === undefined ? undefined : setTimeout(() => this.#drop(), withinMs).unref();
    this.#isSending = true;
    let text = '';
    for (const event of events) {
      for (const piece of framed(event)) {
        text += piece;
        if (text.length < sliceBytes) continue;
        await this.#write(text);
        text = '';
      }
    }
    if (text !== '') await this.#write(text);
    this.#isSending = false;
    clearTimeout(patience);
  }

  /** Asks the producer to end; whoever runs it then calls `finish`. */
  leave(): void {
    this.#end();
  }

  /** Ends the response after what was sent, so that the client knows it lost nothing. */
  finish(): void {
    this.#end();
    this.#response.end();
  }

  #end(): void {
    clearInterval(this.#heartbeats);
    clearTimeout(this.#age);
    this.#over.abort();
  }

  /** At once: a producer that goes on until it is told would never let the news arrive. */
  #drop(): void {
    if (this.#response.destroyed) return;
    this.#options.dropped();
    this.#end();
    this.#response.destroy();
  }

  async #write(text: string): Promise<void> {
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; at += sliceBytes) {
      if (this.#response.destroyed) {
        this.#end();
        return;
      }
      const hasRoom = this.#response.write(bytes.subarray(at, at + sliceBytes));
      if (!hasRoom) await this.#room();
    }
  }

  /** Until the client has taken what was written, went away, or has been waited for long enough. */
  async #room(): Promise<void> {
    const response = this.#response;
    const { promise, resolve } = Promise.withResolvers<void>();
    const patience = setTimeout(() => {
      this.#drop();
      resolve();
    }, this.#options.stallMs);
    response.once('drain', resolve);
    response.once('close', resolve);
    await promise;
    clearTimeout(patience);
    response.off('drain', resolve);
    response.off('close', resolve);
  }
}

const lineEnd = /\r\n|\r|\n/;
const highSurrogate = /[\uD800-\uDBFF]/;

/** In pieces, so that a large event is never turned into bytes as a whole. */
function* framed({ event, id, data }: ServerEvent): Generator<string> {
  const head = `${id === undefined ? '' : `id: ${id}\n`}${event === undefined ? '' : `event: ${event}\n`}`;
  // The client joins the lines again with \n; between tokens of JSON any of them is white space.
  const lines = lineEnd.test(data) ? data.split(lineEnd).join('\ndata: ') : data;
  if (lines.length <= sliceBytes) {
    yield `${head}data: ${lines}\n\n`;
    return;
  }
  yield `${head}data: `;
  for (let at = 0; at < lines.length;) {
    const end = at + sliceBytes;
    // Half a character would arrive as another.
    const isSplit = highSurrogate.test(lines.charAt(end - 1));
    yield lines.slice(at, isSplit ? end - 1 : end);
    at = isSplit ? end - 1 : end;
  }
  yield '\n\n';
}
