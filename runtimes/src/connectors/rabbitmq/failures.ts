/**
 * The one table that translates what amqplib throws into our failure families.
 *
 * Everything is Transient but a wrong declaration: the queue is a cache of the ledger, so losing a
 * connection, a channel or the queue itself loses no work. Wrong credentials and vhosts are Transient
 * too, because they are corrected in the Secret while we wait.
 */
import { Failure } from '@millrace/kit/failure';
import { Fault } from '@millrace/kit/fault';
import { Transient } from '@millrace/kit/transient';

export const transientCodes = {
  AuthenticationFailed: 'the broker refused user or password; correct RABBITMQ_URL in the Secret',
  BadUrl: 'the URL in the Secret is no amqp:// URL; correct it',
  Blocked: 'the broker has stopped taking messages (memory or disk alarm)',
  ConnectionLost: 'the connection broke',
  ConnectionRefused: 'nothing accepts connections at the address',
  ConnectTimeout: 'no connection within the time limit',
  HostNotFound: 'the host name does not resolve',
  NotConfirmed: 'the broker did not take a message',
  NotConnected: 'there is no connection to the broker now',
  PermissionDenied: 'the user may not use the virtual host or queue; grant it',
  QueueMissing: 'the queue does not exist; its coordinator declares it',
  QueueUnlike: 'the queue exists with other arguments; delete it, it is a cache',
  Silent: 'the broker did not answer within the time limit',
  TlsFailed: 'no trusted TLS connection could be made; check the URL and CA_BUNDLE',
  Unreachable: 'the network cannot reach the address',
} as const;
export type RabbitTransientCode = keyof typeof transientCodes;

const byErrno: Readonly<Record<string, RabbitTransientCode>> = {
  EAI_AGAIN: 'HostNotFound',
  ECONNREFUSED: 'ConnectionRefused',
  ECONNRESET: 'ConnectionLost',
  EHOSTUNREACH: 'Unreachable',
  ENETUNREACH: 'Unreachable',
  ENOTFOUND: 'HostNotFound',
  EPIPE: 'ConnectionLost',
  ETIMEDOUT: 'ConnectTimeout',
};

const byReplyCode: Readonly<Record<number, RabbitTransientCode>> = {
  311: 'NotConfirmed',
  312: 'QueueMissing',
  320: 'ConnectionLost',
  402: 'PermissionDenied',
  403: 'PermissionDenied',
  404: 'QueueMissing',
  405: 'QueueUnlike',
  406: 'QueueUnlike',
  501: 'ConnectionLost',
  504: 'ConnectionLost',
  506: 'Blocked',
  530: 'PermissionDenied',
  541: 'ConnectionLost',
};

/** amqplib throws these without a code; the texts are those of amqplib 2.3. */
const byMessage: readonly (readonly [RegExp, RabbitTransientCode])[] = [
  [/ACCESS_REFUSED|ACCESS-REFUSED|403/, 'AuthenticationFailed'],
  [/NOT_ALLOWED|530|vhost/, 'PermissionDenied'],
  [/ETIMEDOUT/, 'ConnectTimeout'],
  [/heartbeat/i, 'Silent'],
  [/certificate|self.signed|tls|ssl/i, 'TlsFailed'],
  [/closed|ended|closing|socket|connection|channel/i, 'ConnectionLost'],
];

export function translate(error: unknown, attempted: string): Failure {
  if (error instanceof Failure) return error;
  if (!(error instanceof Error)) return transient('ConnectionLost', attempted, error);
  const code = codeOf(error);
  if (code !== undefined) return transient(code, attempted, error);
  return new Fault(`${attempted}: unexpected failure in the client`, { cause: error });
}

export function transient(
  code: RabbitTransientCode,
  attempted: string,
  cause?: unknown,
): Transient {
  return new Transient(code, `${attempted}: ${transientCodes[code]}.`, {
    cause,
    backend: 'rabbitmq',
  });
}

function codeOf(error: Error): RabbitTransientCode | undefined {
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error;
  const code: unknown = first instanceof Error ? Reflect.get(first, 'code') : undefined;
  if (typeof code === 'number' && byReplyCode[code] !== undefined) return byReplyCode[code];
  if (typeof code === 'string') {
    const known = byErrno[code];
    if (known !== undefined) return known;
    if (/CERT|TLS|SSL|SIGNATURE/.test(code)) return 'TlsFailed';
    if (/^E[A-Z]+$/.test(code)) return 'ConnectionLost';
  }
  return byMessage.find(([pattern]) => pattern.test(error.message))?.[1];
}
