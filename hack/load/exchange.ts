/**
 * One POST and what its end says about its fate. Nothing is sent a second time here, not even on a
 * kept connection that turns out to be closed: who repeats must know it.
 */
import { request, type Agent } from 'node:http';
import type { Fate } from './tally.ts';

export interface Exchange {
  readonly agent: Agent;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly timeoutMs: number;
}

export interface Outcome {
  readonly fate: Fate;
  /** The status, or the code of what cut the connection. */
  readonly reason: string;
  readonly retryAfterMs: number;
}

/** An error body is read for its code; more than this is not worth it. */
const bodyBytesMax = 4_096;

export async function exchange({
  agent,
  url,
  headers,
  body,
  timeoutMs,
}: Exchange): Promise<Outcome> {
  return new Promise((resolve) => {
    const sent = Buffer.from(body);
    const post = request(url, {
      agent,
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'content-length': String(sent.byteLength),
        ...headers,
      },
    });
    const cut = (error: NodeJS.ErrnoException): void => {
      // A connection that never came about has carried nothing.
      const fate = error.code === 'ECONNREFUSED' ? 'Refused' : 'Unanswered';
      resolve({ fate, reason: error.code ?? 'Cut', retryAfterMs: 0 });
    };
    // Also for an answer that stops half-way, and for a server that takes a byte a second.
    const deadline = setTimeout(() => post.destroy(new TimedOut()), timeoutMs);
    post.on('close', () => clearTimeout(deadline));
    post.on('error', cut);
    post.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        if (text.length < bodyBytesMax) text += chunk;
      });
      response.on('error', cut);
      response.on('end', () => {
        const status = response.statusCode ?? 0;
        const retryAfter = Number(response.headers['retry-after'] ?? 0);
        resolve({ ...fateOf(status, text), retryAfterMs: retryAfter * 1_000 });
      });
    });
    post.end(sent);
  });
}

class TimedOut extends Error {
  readonly code = 'TimedOut';
}

/** Refused is believed only where the answer says so: a server that failed inside has not. */
export function fateOf(status: number, body: string): Pick<Outcome, 'fate' | 'reason'> {
  if (status === 200) return { fate: 'Accepted', reason: '200' };
  const code = codeOf(body);
  const reason = code === undefined ? String(status) : `${String(status)} ${code}`;
  const isRefused = (status >= 400 && status < 500) || (status === 503 && code !== undefined);
  return { fate: isRefused && code !== 'FateUnknown' ? 'Refused' : 'Unanswered', reason };
}

function codeOf(body: string): string | undefined {
  return /"code":"(?<code>[A-Za-z]{1,64})"/.exec(body)?.groups?.['code'];
}
