/**
 * The one table that translates what a web server answers, or what the network does instead, into our
 * failure families.
 *
 * Whatever a server or a network may recover from is Transient, with the wait that the server asked
 * for. What stays so until a person acts (not found, not allowed, another content) is Permanent.
 * Messages name the source by its label, which holds neither credentials nor a query string.
 */
import { Failure } from '@millrace/kit/failure';
import { Permanent } from '@millrace/kit/permanent';
import { Transient } from '@millrace/kit/transient';
import { tlsTrouble } from '../tls-trouble.ts';

const backend = 'source';

const byErrno: Readonly<Record<string, readonly [code: string, what: string]>> = {
  EAI_AGAIN: ['SourceUnreachable', 'the host name does not resolve at the moment'],
  ECONNREFUSED: ['SourceUnreachable', 'nothing accepts connections at the address'],
  ECONNRESET: ['SourceCut', 'the connection broke'],
  EHOSTUNREACH: ['SourceUnreachable', 'no route leads to the host'],
  ENETUNREACH: ['SourceUnreachable', 'no route leads to the host'],
  ENOTFOUND: ['SourceUnreachable', 'the host name does not resolve'],
  EPIPE: ['SourceCut', 'the connection broke'],
  ETIMEDOUT: ['SourceUnreachable', 'the host does not answer'],
  UND_ERR_ABORTED: ['SourceStopped', 'the reading was given up'],
  UND_ERR_BODY_TIMEOUT: ['SourceSilent', 'the server stopped sending in the middle of the content'],
  UND_ERR_CONNECT_TIMEOUT: ['SourceUnreachable', 'no connection within the time limit'],
  UND_ERR_HEADERS_OVERFLOW: ['SourceMalformed', 'the headers of the answer are too large'],
  UND_ERR_HEADERS_TIMEOUT: ['SourceSilent', 'the server did not answer within the time limit'],
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: ['SourceCut', 'the content ended before its announced end'],
  UND_ERR_RES_EXCEEDED_MAX_SIZE: ['SourceMalformed', 'the answer is larger than was announced'],
  UND_ERR_SOCKET: ['SourceCut', 'the connection ended too early'],
};

/** Translates anything thrown on the way; our own failures pass through. */
export function translate(error: unknown, label: string): Failure {
  if (error instanceof Failure) return error;
  const [code, what] = reasonOf(error);
  return new Transient(code, `Reading ${label}: ${what}.`, { cause: error, backend });
}

function reasonOf(error: unknown): readonly [string, string] {
  if (!(error instanceof Error)) return ['SourceCut', 'the connection broke'];
  if (error.name === 'AbortError') return ['SourceStopped', 'the reading was given up'];
  // undici gives these no code.
  if (error.name === 'HTTPParserError') return ['SourceMalformed', 'the answer is no proper HTTP'];
  const code = String(Reflect.get(error, 'code'));
  const known = byErrno[code];
  if (known !== undefined) return known;
  const untrusted = tlsTrouble(code);
  if (untrusted !== undefined) return ['SourceUntrusted', untrusted];
  // undici wraps the socket's own error in one of another name.
  return error.cause === undefined ? ['SourceCut', 'the connection broke'] : reasonOf(error.cause);
}

export interface Refusal {
  readonly status: number;
  readonly retryAfterMs: number | undefined;
}

/** What an answer means that holds no content. */
export function refusal({ status, retryAfterMs }: Refusal, label: string): Failure {
  if (status === 401 || status === 403 || status === 407) {
    return new Permanent(
      'SourceUnreadable',
      `${label} may not be read without credentials (HTTP ${status}); allow it, or create a new import with another address.`,
      { backend },
    );
  }
  if (status === 404 || status === 410) {
    return new Permanent(
      'SourceMissing',
      `${label} does not exist (HTTP ${status}); supply the file or correct spec.source.http.url in a new import.`,
      { backend },
    );
  }
  if (isPassing(status)) {
    const wait = retryAfterMs === undefined ? {} : { retryAfterMs };
    return new Transient('SourceBusy', `${label} is not served at the moment (HTTP ${status}).`, {
      backend,
      ...wait,
    });
  }
  return new Permanent(
    'SourceUnreadable',
    `${label} is refused with HTTP ${status}; repair the server, or create a new import with another address.`,
    { backend },
  );
}

/** Request timeout, locked, too early, too many requests, and whatever the server blames on itself. */
function isPassing(status: number): boolean {
  return status === 408 || status === 423 || status === 425 || status === 429 || status >= 500;
}

export function sourceChanged(label: string): Permanent {
  return new Permanent(
    'SourceChanged',
    `The content of ${label} changed after this import had begun, so its rows would be a mixture. ` +
      'Create a new import for the new content.',
    { backend },
  );
}

/** The content ended before its announced end, or before the end of what was asked for. */
export function sourceCut(label: string, got: number, wanted: number): Transient {
  return new Transient(
    'SourceCut',
    `Reading ${label}: the content ended after ${got} of ${wanted} bytes.`,
    { backend },
  );
}

export function otherRange(label: string): Transient {
  return new Transient(
    'SourceMalformed',
    `${label} answered with another range than was asked for; repair the server, or let it give none.`,
    { backend },
  );
}
