/** From a request to the part that answers it. Other paths are 404, other methods 405. */
import type { HttpReply, HttpRequest } from '../../http/server.ts';
import { notFound, RequestError } from '../../http/request-error.ts';
import type { Counts } from './counts.ts';
import type { Increments } from './increments.ts';
import { answerCode, answerCodes } from './refusals.ts';

export interface RoutesOptions {
  readonly increments: Increments;
  readonly counts: Counts;
  /** Told of each request that is not taken, with the code of its answer. */
  readonly refused: (code: string) => void;
}

export const methods = ['GET', 'HEAD', 'POST'] as const;
const reading: ReadonlySet<string> = new Set(['GET', 'HEAD']);

export function createRoutes(options: RoutesOptions): (request: HttpRequest) => Promise<HttpReply> {
  return async (request) => {
    try {
      return await answer(options, request);
    } catch (error) {
      options.refused(answerCode(error));
      throw error;
    }
  };
}

function answer({ increments, counts }: RoutesOptions, request: HttpRequest): Promise<HttpReply> {
  const [first, second, ...rest] = request.target.segments;
  const route = rest.length > 0 ? undefined : first;
  if (route === 'increment' && second === undefined) {
    if (request.method !== 'POST') throw onlyMethods('POST');
    return increments.one(request);
  }
  if (route === 'increments' && second === undefined) {
    if (request.method !== 'POST') throw onlyMethods('POST');
    return increments.many(request);
  }
  if (route !== 'counts') {
    throw notFound('Nothing is served here; see /increment, /increments and /counts.');
  }
  if (!reading.has(request.method)) throw onlyMethods('GET, HEAD');
  return second === undefined ? counts.page(request) : counts.one(request, second);
}

function onlyMethods(allow: string): RequestError {
  return new RequestError(`Only ${allow.replace(', ', ' and ')} is served here.`, {
    status: answerCodes.MethodNotAllowed,
    code: 'MethodNotAllowed',
    headers: { allow },
  });
}
