/**
 * `POST /increment` and `POST /increments`: from a body to increments that are durable.
 *
 * The answer follows the reply of Redis, never the other way round. A failure says whether something
 * may have been taken: only then is it FateUnknown, and only an Idempotency-Key makes repeating it
 * safe. Nothing is repeated here.
 */
import type { IncrementPipelinePodConfig } from '@millrace/crds/increment-pipeline';
import { Permanent } from '@millrace/kit/permanent';
import { Transient } from '@millrace/kit/transient';
import { successRow } from '../../http/envelope.ts';
import type { HttpReply, HttpRequest } from '../../http/server.ts';
import type { Appender } from '../stream/appender.ts';
import { itemBytes } from '../stream/entry.ts';
import type { Admission } from './admission.ts';
import { idempotencyKey, requestDigests } from './idempotency.ts';
import { parseIncrement, parseIncrements } from './parse.ts';
import { refuse, type AnswerCode } from './refusals.ts';

export interface IncrementsOptions {
  readonly config: Pick<IncrementPipelinePodConfig, 'durability' | 'idempotency'>;
  readonly appender: Pick<Appender, 'append' | 'appendRequest'>;
  readonly admission: Admission;
}

export interface Increments {
  one(request: HttpRequest): Promise<HttpReply>;
  many(request: HttpRequest): Promise<HttpReply>;
}

export function createIncrements({ config, appender, admission }: IncrementsOptions): Increments {
  const isKeyed = config.idempotency !== undefined;
  // Who relies on an answer is told when a crash of Redis may take it back.
  const warning: Readonly<Record<string, string>> =
    config.durability === 'Memory' ? { 'millrace-durability': 'Memory' } : {};

  const take = async (
    request: HttpRequest,
    { route, parse, body }: Endpoint,
  ): Promise<HttpReply> => {
    request.routed(route);
    const admitted = admission.client(request);
    const client = admitted instanceof Promise ? await admitted : admitted;
    const key = idempotencyKey(request, isKeyed);
    const items = parse(request);
    const counted = admission.keys(items);
    if (counted !== undefined) await counted;
    let entry: string;
    try {
      if (key === undefined) entry = await appender.append(items);
      else {
        const digests = requestDigests(key, { route, client, items });
        ({ entry } = await appender.appendRequest(digests, items));
      }
    } catch (error) {
      throw answerable(error, key !== undefined);
    }
    return { body: body(items), headers: { ...warning, 'millrace-entry': entry } };
  };

  return {
    one: (request) => take(request, single),
    many: (request) => take(request, several),
  };
}

/** What one route makes of a body, and answers. */
interface Endpoint {
  readonly route: string;
  readonly parse: (request: HttpRequest) => Buffer;
  readonly body: (items: Buffer) => string;
}

const single: Endpoint = {
  route: 'increment',
  parse: ({ body }) => parseIncrement(body),
  body: () => '',
};

const several: Endpoint = {
  route: 'increments',
  parse: ({ body, headers }) => parseIncrements(body, headers['content-type']),
  body: (items) => successRow(`{"accepted":${items.length / itemBytes}}`),
};

/** Fit for clients: what it means for them, and nothing of how the service is built. */
function answerable(error: unknown, isKeyed: boolean): unknown {
  if (error instanceof Permanent && error.code === 'RequestMismatch') {
    return refuse('RequestMismatch', 'The Idempotency-Key was used before with other increments.');
  }
  if (!(error instanceof Transient) || error.code === 'Overloaded') return error;
  const { retryAfterMs } = error;
  const options = { cause: error, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
  const code: AnswerCode = error.code === 'FateUnknown' ? 'FateUnknown' : 'Unavailable';
  const unknown = isKeyed
    ? 'It is not known whether this was taken. Repeat it with the same Idempotency-Key.'
    : 'It is not known whether this was taken. Only with an Idempotency-Key is it safe to repeat.';
  const message =
    code === 'FateUnknown' ? unknown : 'Nothing was taken: the service cannot take increments now.';
  return new Transient(code, message, options);
}
