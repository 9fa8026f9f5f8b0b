/**
 * A web server with one content and every bad habit that a test asks for: no ranges, no or weak ETags,
 * bodies that hang, end early or lie about their length, redirects, refusals.
 *
 * Habits are set at any time and hold from the next request on. `once` habits are used up by as many
 * content requests as they have entries, which makes a failure and the recovery from it one test.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Habits {
  readonly content: Buffer;
  /** Sent as it is; undefined sends none. */
  readonly etag: string | undefined;
  readonly lastModified: string | undefined;
  readonly ranges: boolean;
  /** How the length is said: truly, not at all (chunked), until the connection closes, or so much. */
  readonly length: 'True' | 'Chunked' | 'UntilClosed' | number;
  /** Ends the connection after so many bytes of the body, one entry a request; then no more. */
  readonly cutAfter: readonly number[];
  /** Sends so many bytes of the body and then nothing, keeping the connection; one entry a request. */
  readonly hangAfter: readonly number[];
  /** Answers with these statuses first, one entry a request. */
  readonly statuses: readonly number[];
  readonly retryAfter: string | undefined;
  /** Answers every request with this redirect. */
  readonly location: string | undefined;
  /** Says another first byte in Content-Range than it sends. */
  readonly lieAboutRange: boolean;
  readonly contentEncoding: string | undefined;
  /** Speaks something that is no HTTP. */
  readonly otherProtocol: boolean;
}

export interface SeenRequest {
  readonly path: string;
  readonly range: string | undefined;
  readonly ifRange: string | undefined;
}

export interface WebServer extends AsyncDisposable {
  readonly url: string;
  readonly seen: readonly SeenRequest[];
  set(habits: Partial<Habits>): void;
}

const wellBehaved: Omit<Habits, 'content'> = {
  etag: '"v1"',
  lastModified: undefined,
  ranges: true,
  length: 'True',
  cutAfter: [],
  hangAfter: [],
  statuses: [],
  retryAfter: undefined,
  location: undefined,
  lieAboutRange: false,
  contentEncoding: undefined,
  otherProtocol: false,
};

export async function webServer(content: Buffer | string): Promise<WebServer> {
  let habits: Habits = { ...wellBehaved, content: Buffer.from(content) };
  const seen: SeenRequest[] = [];
  const server = createServer((request, response) => {
    const { range, 'if-range': ifRange } = request.headers;
    seen.push({ path: request.url ?? '', range, ifRange: ifRange as string | undefined });
    if (habits.otherProtocol) {
      request.socket.end('SSH-2.0-whatever\r\n');
      return;
    }
    const [status, ...statuses] = habits.statuses;
    if (status !== undefined || habits.location !== undefined) {
      habits = { ...habits, statuses };
      refuse(response, status ?? 302, habits);
      return;
    }
    habits = answer(request, response, habits);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/data.csv`,
    seen,
    set: (changed) => {
      habits = { ...habits, ...changed };
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function refuse(response: ServerResponse, status: number, habits: Habits): void {
  const { retryAfter, location } = habits;
  response.writeHead(status, {
    ...(retryAfter === undefined ? {} : { 'retry-after': retryAfter }),
    ...(location === undefined ? {} : { location }),
  });
  response.end();
}

/** Returns the habits that are left. */
function answer(request: IncomingMessage, response: ServerResponse, habits: Habits): Habits {
  const { content, etag, lastModified, contentEncoding } = habits;
  const part = partOf(request, habits);
  if (part === 'Unsatisfiable') {
    response.writeHead(416, { 'content-range': `bytes */${content.length}` }).end();
    return habits;
  }
  const body = content.subarray(part.start, part.end);
  response.sendDate = false;
  if (habits.length === 'UntilClosed') response.useChunkedEncodingByDefault = false;
  response.shouldKeepAlive = habits.length !== 'UntilClosed';
  response.writeHead(part.isRange ? 206 : 200, {
    ...(etag === undefined ? {} : { etag }),
    ...(lastModified === undefined ? {} : { 'last-modified': lastModified }),
    ...(contentEncoding === undefined ? {} : { 'content-encoding': contentEncoding }),
    ...(part.isRange ? { 'content-range': rangeHeader(part, habits) } : {}),
    ...lengthHeader(body.length, habits),
  });
  // A probe for a byte or two is not what a test wants cut.
  if (body.length <= 1) {
    response.end(body);
    return habits;
  }
  const [cut, ...cutAfter] = habits.cutAfter;
  const [hang, ...hangAfter] = habits.hangAfter;
  if (cut !== undefined) response.write(body.subarray(0, cut), () => response.destroy());
  else if (hang !== undefined) response.write(body.subarray(0, hang));
  else response.end(body);
  return { ...habits, cutAfter, hangAfter };
}

function lengthHeader(bytes: number, { length }: Habits): { 'content-length'?: number } {
  if (length === 'Chunked' || length === 'UntilClosed') return {};
  return { 'content-length': length === 'True' ? bytes : length };
}

interface Part {
  readonly start: number;
  readonly end: number;
  readonly isRange: boolean;
}

function partOf(request: IncomingMessage, habits: Habits): Part | 'Unsatisfiable' {
  const { content, etag, ranges } = habits;
  const whole = { start: 0, end: content.length, isRange: false };
  const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
  const ifRange = request.headers['if-range'];
  if (!ranges || from === undefined) return whole;
  if (ifRange !== undefined && ifRange !== etag) return whole;
  const start = Number(from);
  if (start >= content.length) return 'Unsatisfiable';
  const end = to === '' ? content.length : Math.min(Number(to) + 1, content.length);
  return { start, end, isRange: true };
}

function rangeHeader({ start, end }: Part, { content, lieAboutRange }: Habits): string {
  const said = lieAboutRange ? Math.max(0, start - 1) : start;
  return `bytes ${said}-${end - 1}/${content.length}`;
}
