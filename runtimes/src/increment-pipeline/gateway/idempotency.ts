/**
 * The Idempotency-Key of a request, as the digests under which its effect is remembered.
 *
 * Who asks is part of the digest where clients are told apart by tokens: the keys of one client mean
 * nothing for another. So is the endpoint. The payload's digest is of the increments as they were
 * understood, so that a repetition may be formatted differently.
 */
import { hash } from 'node:crypto';
import type { HttpRequest } from '../../http/server.ts';
import { digestBytes, type RequestDigests } from '../stream/entry.ts';
import { refuse } from './refusals.ts';

export interface KeyedRequest {
  readonly route: string;
  /** Name of the client, undefined where nobody is told apart. */
  readonly client: string | undefined;
  readonly items: Buffer;
}

/** Visible ASCII; two headers arrive joined by a comma and a space, and are refused by that. */
const keyForm = /^[!-~]{1,255}$/;

/** Undefined without the header. */
export function idempotencyKey(
  { headers }: Pick<HttpRequest, 'headers'>,
  isEnabled: boolean,
): string | undefined {
  const key = headers['idempotency-key'];
  if (key === undefined) return undefined;
  if (!isEnabled) {
    throw refuse(
      'IdempotencyOff',
      'This pipeline does not recognise repetitions: leave Idempotency-Key out, or set spec.idempotency.',
    );
  }
  if (typeof key !== 'string' || !keyForm.test(key)) {
    throw refuse(
      'BadIdempotencyKey',
      'Idempotency-Key must be given once, as 1 to 255 visible ASCII characters.',
    );
  }
  return key;
}

export function requestDigests(
  key: string,
  { route, client, items }: KeyedRequest,
): RequestDigests {
  return {
    // A NUL is in none of the parts, so no two requests have the same text.
    digest: digest(['POST', route, client ?? '', key].join('\0')),
    payloadDigest: digest(items),
  };
}

function digest(data: string | Buffer): Buffer {
  return hash('sha256', data, 'buffer').subarray(0, digestBytes);
}
