/**
 * Why increments are not taken, beside what the connection to Redis says itself. All but RequestMismatch
 * are Transient; of all but FateUnknown it is certain that nothing was appended.
 */
import { Failure } from '@millrace/kit/failure';
import { Permanent } from '@millrace/kit/permanent';
import { Transient } from '@millrace/kit/transient';

export const appendCodes = {
  Backlogged: 'more increments wait than the workers commit in time',
  DurabilityNotMet: 'Redis is not configured for the durability of this pipeline',
  FateUnknown: 'Redis was asked and did not answer, so nobody knows whether it was done',
  Overloaded: 'too many increments wait for Redis',
  RequestsFull: 'Redis remembers as many Idempotency-Keys as it may',
  StreamsFull: 'the streams hold as much as they may until the workers have committed',
  StreamsUnchecked: 'the streams are not yet compared with the ledger',
} as const;
export type AppendCode = keyof typeof appendCodes;

export interface RefusalOptions {
  readonly cause?: unknown;
  readonly retryAfterMs?: number;
  /** What to do about it, for whoever reads a condition. */
  readonly detail?: string;
}

export function refusal(code: AppendCode, options: RefusalOptions = {}): Transient {
  const { detail, ...rest } = options;
  const text = detail === undefined ? `${appendCodes[code]}.` : `${appendCodes[code]}: ${detail}`;
  return new Transient(code, text[0]?.toUpperCase() + text.slice(1), { ...rest, backend: 'redis' });
}

export function requestMismatch(): Permanent {
  return new Permanent(
    'RequestMismatch',
    'The Idempotency-Key was used with another payload; use a new key for a new request.',
  );
}

/** Redis says these before it runs a script, the script before it writes, or we before we send it. */
const notDone: ReadonlySet<string> = new Set([
  'AuthenticationFailed',
  'BadUrl',
  'Busy',
  'Loading',
  'NoReplicas',
  'NotConnected',
  'NotPersisting',
  'OutOfMemory',
  'ReadOnly',
  'RequestsFull',
  'SecretIncomplete',
  'StreamsUnchecked',
]);

/** Whether a failure leaves no doubt that nothing was appended. */
export function isCertain(error: unknown): error is Failure {
  return error instanceof Failure && (error.family !== 'Transient' || notDone.has(error.code));
}

/** What to tell the caller of an append that failed: certainty only where there is some. */
export function appendFailure(error: unknown): Failure {
  return isCertain(error) ? error : refusal('FateUnknown', { cause: error });
}
