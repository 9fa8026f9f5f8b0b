/**
 * Every way in which a call can go wrong, translated once into a `KubeFailure`.
 *
 * A server says why in a `Status` body: its reason counts, and the HTTP code where there is no such
 * body (a proxy answered). Below HTTP it is one of two: `Timeout`, when nobody knows whether the call
 * took effect, or `Unavailable`. Messages are the server's, cut to a bound; headers never get in.
 */
import { KubeFailure, type KubeReason } from '../machinery/kube-failure.ts';
import { withoutObjects } from './quoted-values.ts';

/** An `Invalid` of a large object lists many fields; this is some forty of them. */
const messageCharsMax = 4096;

const byReason: Readonly<Record<string, KubeReason>> = {
  NotFound: 'NotFound',
  AlreadyExists: 'AlreadyExists',
  Conflict: 'Conflict',
  Invalid: 'Invalid',
  // What strict decoding answers to an unknown field, and what any malformed request gets.
  BadRequest: 'Invalid',
  RequestEntityTooLarge: 'Invalid',
  UnsupportedMediaType: 'Invalid',
  NotAcceptable: 'Invalid',
  MethodNotAllowed: 'Invalid',
  Gone: 'Gone',
  Expired: 'Gone',
  Forbidden: 'Forbidden',
  Unauthorized: 'Unauthorized',
  TooManyRequests: 'TooManyRequests',
  ServerTimeout: 'ServerTimeout',
  Timeout: 'Timeout',
  ServiceUnavailable: 'Unavailable',
  InternalError: 'InternalError',
};

const byCode: Readonly<Record<number, KubeReason>> = {
  400: 'Invalid',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'Invalid',
  406: 'Invalid',
  409: 'Conflict',
  410: 'Gone',
  413: 'Invalid',
  415: 'Invalid',
  422: 'Invalid',
  429: 'TooManyRequests',
  502: 'Unavailable',
  503: 'Unavailable',
  504: 'ServerTimeout',
};

interface Cause {
  readonly field?: unknown;
  readonly message?: unknown;
}

/** The parts of a `Status` that are looked at. */
export interface StatusBody {
  readonly kind?: unknown;
  readonly reason?: unknown;
  readonly message?: unknown;
  readonly code?: unknown;
  readonly details?: {
    readonly name?: unknown;
    readonly retryAfterSeconds?: unknown;
    readonly causes?: readonly Cause[] | null;
  };
}

export function failureOfStatus(
  code: number,
  body: unknown,
  options: { readonly what: string; readonly retryAfterMs?: number | undefined },
): KubeFailure {
  const status = isStatus(body) ? body : {};
  const said = typeof status.message === 'string' && status.message !== '';
  const message = said ? inOrder(status) : `${options.what}: the answer was HTTP ${code}`;
  const seconds = status.details?.retryAfterSeconds;
  const retryAfterMs =
    options.retryAfterMs ?? (typeof seconds === 'number' ? seconds * 1000 : undefined);
  const reason = reasonOf(code, status, message);
  const pause = retryAfterMs === undefined ? {} : { retryAfterMs };
  return new KubeFailure(reason, bounded(withoutObjects(message)), pause);
}

/**
 * The server names several problems in an order that changes from one try to the next (measured).
 * Sorted, the same refusal is the same text, and nobody writes a status or an event for it again. Left
 * out is its remark, at a field named `<nil>`, that rules were not looked at because of the rest.
 */
function inOrder({ message, details }: StatusBody): string {
  const text = String(message);
  const problems = (details?.causes ?? [])
    .filter(({ field }) => field !== '<nil>')
    .map((cause) => [cause.field, cause.message].map(String).join(': '));
  const start = text.indexOf(listStart);
  if (problems.length === 0 || start === -1) return text;
  const list = [...new Set(problems)].toSorted().join(', ');
  return `${text.slice(0, start)}${listStart}${list}]`;
}

const listStart = ' is invalid: [';

function reasonOf(code: number, status: StatusBody, message: string): KubeReason {
  const known = typeof status.reason === 'string' ? byReason[status.reason] : undefined;
  // To the caller it is the precondition that failed: the name belongs to another object now.
  if (known === 'Invalid' && status.details?.causes?.some(isAnotherUid) === true) return 'Conflict';
  if (code === 500 && unreadable.test(message)) return 'Invalid';
  // A redirect is none of ours to follow: it would take the token to wherever it points.
  return known ?? byCode[code] ?? (code >= 400 && code < 500 ? 'Invalid' : 'InternalError');
}

function isAnotherUid({ field }: Cause): boolean {
  return field === 'metadata.uid';
}

/** An apply of an unknown or mistyped field is a 500 without a reason (measured on 1.35). */
const unreadable = /^failed to (create typed patch object|convert new object)/;

/** Whether a 404 is about an object: one about a type that is not served names none. */
export function namesAnObject(body: unknown): boolean {
  return isStatus(body) && typeof body.details?.name === 'string' && body.details.name !== '';
}

export function isStatus(body: unknown): body is StatusBody {
  return typeof body === 'object' && body !== null && 'kind' in body && body.kind === 'Status';
}

const timeouts = new Set([
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_ABORTED',
  'AbortError',
  'ETIMEDOUT',
]);

/** Errors of sockets, names and certificates carry a code and nothing that is secret. */
export function failureOfNetwork(error: unknown, what: string): KubeFailure {
  if (error instanceof KubeFailure) return error;
  const code = codeOf(error);
  const reason = timeouts.has(code) ? 'Timeout' : 'Unavailable';
  const message =
    reason === 'Timeout'
      ? `${what}: no answer in time`
      : `${what}: the connection failed (${code})`;
  return new KubeFailure(reason, message, { cause: error });
}

export function garbage(what: string, problem: string, cause?: unknown): KubeFailure {
  return new KubeFailure('InternalError', `${what}: ${problem}`, { cause });
}

export function codeOf(error: unknown): string {
  const code: unknown =
    typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  if (typeof code === 'string') return code;
  return error instanceof Error ? error.name : 'unknown';
}

function bounded(message: string): string {
  return message.length <= messageCharsMax ? message : `${message.slice(0, messageCharsMax)} …`;
}
