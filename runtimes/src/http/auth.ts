/**
 * Who is calling: nobody in particular, or the holder of a bearer token.
 *
 * Tokens come as text, one `name:token` a line with `#` comments, with `:reveal` behind the token if
 * its holder may see sealed columns. They are read again within a second of a change, so that rotating one needs no restart: list the new one, let clients change over,
 * remove the old one. A name may have several tokens. A token is looked up by a digest under a key of
 * this process, so neither the time an answer takes nor a heap dump tells anything of one. Where the
 * list is missing nobody is let in, and the answer is 503: the client's token may well be right.
 */
import { hash, randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Clock } from '@millrace/kit/clock';
import { Transient } from '@millrace/kit/transient';
import { RequestError } from './request-error.ts';

export interface AuthOptions {
  readonly mode: 'None' | 'Tokens';
  /** The list as it is now; undefined while there is none. */
  readonly tokens: () => string | undefined;
  readonly clock: Clock;
}

/** What a token may do beside what every token may. */
export type Scope = 'reveal';

export interface Caller {
  readonly name: string;
  readonly scopes: ReadonlySet<Scope>;
}

export interface Auth {
  /** As `authenticate`, with what the token may do. */
  identify(headers: IncomingHttpHeaders): Caller | undefined;
  /** The name the token stands for; undefined where no token is asked for. Throws 401 or 503. */
  authenticate(headers: IncomingHttpHeaders): string | undefined;
  /** What an administrator should correct, without a word of the list's content. */
  problem(): string | undefined;
}

interface TokenList {
  readonly text: string | undefined;
  readonly callerByDigest: ReadonlyMap<string, Caller>;
  readonly problem: string | undefined;
}

const rereadMs = 1_000;
/** Some ten thousand tokens; a larger list is a mistake, and would be read again and again. */
const listBytesMax = 1024 * 1024;
/** The name becomes a subject of rate limits and an owner in logs. */
const lineForm = /^([A-Za-z0-9._-]{1,64}):([A-Za-z0-9._~+/-]{16,512}=*)(?::(reveal))?$/;
const credentials = /^Bearer +([A-Za-z0-9._~+/-]{1,512}=*)$/i;

const processKey = randomBytes(32).toString('hex');

export function createAuth({ mode, tokens, clock }: AuthOptions): Auth {
  const nobody = (): undefined => undefined;
  if (mode === 'None') return { identify: nobody, authenticate: nobody, problem: nobody };
  let list = readList(undefined);
  let readAt = -Infinity;
  const current = (): TokenList => {
    const now = clock.monotonic();
    if (now - readAt < rereadMs) return list;
    readAt = now;
    const text = tokens();
    if (text !== list.text) list = readList(text);
    return list;
  };
  const identify: Auth['identify'] = ({ authorization }) => {
    const { callerByDigest } = current();
    if (callerByDigest.size === 0) throw noTokens();
    if (authorization === undefined) throw unauthorized('Bearer realm="millrace"');
    const token = credentials.exec(authorization)?.[1];
    const caller = token === undefined ? undefined : callerByDigest.get(digest(token));
    if (caller === undefined) {
      throw unauthorized('Bearer realm="millrace", error="invalid_token"');
    }
    return caller;
  };
  return {
    identify,
    authenticate: (headers) => identify(headers)?.name,
    problem: () => current().problem,
  };
}

function readList(text: string | undefined): TokenList {
  const callerByDigest = new Map<string, Caller>();
  if (text === undefined) {
    return { text, callerByDigest, problem: 'The key TOKENS of the backends Secret is missing.' };
  }
  if (text.length > listBytesMax) {
    return { text, callerByDigest, problem: `TOKENS is longer than ${listBytesMax} bytes.` };
  }
  const wrong: number[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    const plain = line.trim();
    if (plain === '' || plain.startsWith('#')) continue;
    const [, name = '', token = '', scope] = lineForm.exec(plain) ?? [];
    const scopes = new Set<Scope>(scope === 'reveal' ? [scope] : []);
    const key = digest(token);
    // One token with two names would make it chance whose limit is used up.
    if (name === '' || callerByDigest.has(key)) wrong.push(index + 1);
    else callerByDigest.set(key, { name, scopes });
  }
  return { text, callerByDigest, problem: problemOf(callerByDigest.size, wrong) };
}

function problemOf(usable: number, wrong: readonly number[]): string | undefined {
  const [first] = wrong;
  if (first !== undefined) {
    return `TOKENS has ${wrong.length} unusable lines, the first is line ${first}: write name:token or name:token:reveal, the token of at least 16 characters and listed once.`;
  }
  return usable === 0 ? 'TOKENS lists no token.' : undefined;
}

function digest(token: string): string {
  return hash('sha256', processKey + token, 'base64');
}

function unauthorized(challenge: string): RequestError {
  return new RequestError('A valid bearer token is needed here.', {
    status: 401,
    code: 'Unauthorized',
    headers: { 'www-authenticate': challenge },
  });
}

function noTokens(): Transient {
  return new Transient('NoTokens', 'No token can be checked at the moment. Try again.', {
    retryAfterMs: 5_000,
  });
}
