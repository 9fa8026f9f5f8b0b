/**
 * The request target, parsed strictly from the bytes the client sent: path segments and query
 * parameters.
 *
 * The raw text is kept per segment because a separator inside a value (`%2C`, `%2F`) must not be
 * taken for one. Malformed percent-encoding, a repeated parameter and a NUL are refused with 400
 * rather than guessed at: two parsers that guess differently are how filters get bypassed.
 */
import { badRequest } from './request-error.ts';

export interface RequestTarget {
  /** Path segments still percent-encoded, without the leading slash. */
  readonly segments: readonly string[];
  readonly query: ReadonlyMap<string, string>;
}

export function parseTarget(url: string): RequestTarget {
  const mark = url.indexOf('?');
  const path = mark === -1 ? url : url.slice(0, mark);
  return {
    segments: (path.startsWith('/') ? path.slice(1) : path).split('/'),
    query: mark === -1 ? noQuery : parseQuery(url.slice(mark + 1)),
  };
}

const noQuery: ReadonlyMap<string, string> = new Map();

function parseQuery(text: string): Map<string, string> {
  const query = new Map<string, string>();
  for (const pair of text.split('&')) {
    if (pair === '') continue;
    const mark = pair.indexOf('=');
    const name = decode(plusToSpace(mark === -1 ? pair : pair.slice(0, mark)));
    const value = decode(plusToSpace(mark === -1 ? '' : pair.slice(mark + 1)));
    if (query.has(name)) {
      throw badRequest('RepeatedParameter', `The parameter ${shown(name)} is given twice.`);
    }
    query.set(name, value);
  }
  return query;
}

/** Forms write a space as `+` in queries; in paths a plus is a plus. */
function plusToSpace(text: string): string {
  return text.replaceAll('+', ' ');
}

/** Decodes percent-encoding; what is not UTF-8, and NUL, which no text column can hold, is refused. */
export function decode(text: string): string {
  let decoded: string;
  try {
    decoded = decodeURIComponent(text);
  } catch (error) {
    throw badRequest('BadUrl', 'The URL holds malformed percent-encoding.', error);
  }
  if (decoded.includes('\0')) throw badRequest('BadUrl', 'The URL holds a NUL character.');
  return decoded;
}

/** A parameter name as it may appear in a message: bounded, without control characters. */
export function shown(name: string): string {
  const plain = name.replace(/[^\p{L}\p{N}_.-]/gu, '?');
  return `"${plain.length > 64 ? `${plain.slice(0, 64)}…` : plain}"`;
}

/** Refuses parameters that nothing reads: a misspelt filter must not answer with every row. */
export function refuseUnknown(
  query: ReadonlyMap<string, string>,
  known: ReadonlySet<string>,
): void {
  for (const name of query.keys()) {
    if (!known.has(name)) {
      throw badRequest('UnknownParameter', `The parameter ${shown(name)} is not known here.`);
    }
  }
}

export interface LimitBounds {
  readonly byDefault: number;
  readonly max: number;
  /** Of the parameter; default `limit`. */
  readonly name?: string;
}

export function parseLimit(query: ReadonlyMap<string, string>, bounds: LimitBounds): number {
  const { name = 'limit' } = bounds;
  const text = query.get(name);
  if (text === undefined) return bounds.byDefault;
  const limit = /^[0-9]{1,9}$/.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > bounds.max) {
    throw badRequest('BadLimit', `${name} must be a whole number from 1 to ${bounds.max}.`);
  }
  return limit;
}
