/**
 * The one shape of every answer: `{"status":"success","data":…}` or
 * `{"status":"error","error":{"code","message","requestId"}}`.
 *
 * Data is spliced in as JSON text that the database rendered, so that an int64 or a decimal never
 * passes through a JavaScript number. What a failure may tell a client is decided here: the family
 * and code, and a message only where it was written for clients.
 */
import { Transient } from '@millrace/kit/transient';
import { RequestError } from './request-error.ts';

export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Seconds a client waits before it tries again after 503; long enough to spread a herd, short enough to hide a restart. */
const retryAfterSeconds = 1;

/** `json` is JSON text and goes out as it is. */
export function successRow(json: string): string {
  return `{"status":"success","data":${json}}`;
}

/** One page: `next` is the cursor of the following page, null on the last one. */
export function successPage(rows: readonly string[], next: string | undefined): string {
  return `{"status":"success","data":[${rows.join(',')}],"next":${JSON.stringify(next ?? null)}}`;
}

export function errorBody(code: string, message: string, requestId: string): string {
  return JSON.stringify({ status: 'error', error: { code, message, requestId } });
}

/** What the client is told of a failure. Backend codes and causes stay in the log. */
export function errorAnswer(error: unknown, requestId: string): Answer {
  if (error instanceof RequestError) {
    return {
      status: error.status,
      headers: error.headers,
      body: errorBody(error.code, error.message, requestId),
    };
  }
  if (error instanceof Transient) return unavailable(error, requestId);
  const status = frameworkStatus(error);
  if (status !== undefined) {
    const { code, message } = frameworkErrors.get(status) ?? otherClientError;
    return { status, headers: {}, body: errorBody(code, message, requestId) };
  }
  return {
    status: 500,
    headers: {},
    body: errorBody('Internal', 'The request failed by a fault of the service.', requestId),
  };
}

function unavailable(error: Transient, requestId: string): Answer {
  const waitSeconds = Math.ceil((error.retryAfterMs ?? retryAfterSeconds * 1000) / 1000);
  const body =
    error.backend === undefined
      ? errorBody(error.code, error.message, requestId)
      : errorBody(
          'Unavailable',
          `The answer needs ${error.backend}, which cannot answer now. Try again.`,
          requestId,
        );
  return { status: 503, headers: { 'retry-after': String(Math.max(1, waitSeconds)) }, body };
}

const otherClientError = { code: 'BadRequest', message: 'The request is malformed.' };

/** Words for what the HTTP layer refuses by itself. */
export const frameworkErrors: ReadonlyMap<number, { code: string; message: string }> = new Map([
  [400, otherClientError],
  [408, { code: 'RequestTimeout', message: 'The request took too long to arrive.' }],
  [413, { code: 'BodyTooLarge', message: 'The request body is too large.' }],
  [414, { code: 'UrlTooLong', message: 'The URL is too long.' }],
  [415, { code: 'UnsupportedMediaType', message: 'The media type of the body is not supported.' }],
  [417, { code: 'ExpectationFailed', message: 'The Expect header is not supported.' }],
  [431, { code: 'HeadersTooLarge', message: 'The request headers are too large.' }],
]);

/** The framework marks its own client errors with a 4xx `statusCode`. */
function frameworkStatus(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('statusCode' in error)) return undefined;
  const { statusCode } = error;
  return typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500
    ? statusCode
    : undefined;
}
