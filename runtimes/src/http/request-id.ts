import type { IncomingMessage } from 'node:http';
import { randomBytes } from 'node:crypto';

/** Tells processes apart; a random id for each request would cost more than the rest of its headers. */
const processId = randomBytes(9).toString('hex');
let requests = 0;

/** A client's own id is kept when it is harmless in a log and a header. */
export function requestId(request: IncomingMessage): string {
  const header = request.headers['x-request-id'];
  return typeof header === 'string' && /^[A-Za-z0-9._-]{1,64}$/.test(header)
    ? header
    : nextRequestId();
}

export function nextRequestId(): string {
  requests += 1;
  return `${processId}-${requests.toString(36)}`;
}
