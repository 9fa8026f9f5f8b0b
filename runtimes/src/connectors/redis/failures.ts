/**
 * The one table that translates what ioredis throws into our failure families.
 *
 * Whatever the network or an administrator can repair is Transient: a cache that is away must cost
 * latency, never an answer. An error reply that no line names is Transient too and says so by its
 * code, since a server may be newer than this table. Foreign messages are never passed on: Redis
 * quotes the arguments of a refused command in them.
 */
import { Failure } from '@millrace/kit/failure';
import { Transient } from '@millrace/kit/transient';

/** Every code that leaves this connector, with what it means for a reader of a condition. */
export const transientCodes = {
  AuthenticationFailed: 'the server refused user or password; correct REDIS_URL in the Secret',
  BadUrl: 'the URL in the Secret is no redis:// or rediss:// URL; correct it',
  Busy: 'the server runs a script or is otherwise blocked',
  ConnectionLost: 'the connection broke',
  ConnectionRefused: 'nothing accepts connections at the address',
  ConnectTimeout: 'no connection within the time limit',
  HostNotFound: 'the host name does not resolve',
  Loading: 'the server is loading its data',
  NoReplicas: 'the server lacks the replicas that it is to wait for; connect them',
  NotConnected: 'there is no connection at the moment',
  NotPersisting: 'the server takes no writes because it cannot write to its disk; repair that',
  OutOfMemory: 'the server is at its memory limit and evicts nothing',
  PermissionDenied: 'the user lacks a command or key; grant it',
  ReadOnly: 'the server is a replica and accepts no writes',
  ServerError: 'the server refused a command',
  Silent: 'the server did not answer within the time limit',
  TlsFailed: 'no trusted TLS connection could be made; check the scheme and CA_BUNDLE',
} as const;
export type RedisTransientCode = keyof typeof transientCodes;

/** First word of an error reply. */
const byReply: Readonly<Record<string, RedisTransientCode>> = {
  BUSY: 'Busy',
  LOADING: 'Loading',
  MASTERDOWN: 'Loading',
  MISCONF: 'NotPersisting',
  NOAUTH: 'AuthenticationFailed',
  NOREPLICAS: 'NoReplicas',
  NOPERM: 'PermissionDenied',
  OOM: 'OutOfMemory',
  READONLY: 'ReadOnly',
  WRONGPASS: 'AuthenticationFailed',
};

const byErrno: Readonly<Record<string, RedisTransientCode>> = {
  EAI_AGAIN: 'HostNotFound',
  ECONNREFUSED: 'ConnectionRefused',
  ECONNRESET: 'ConnectionLost',
  EHOSTUNREACH: 'ConnectionRefused',
  ENETUNREACH: 'ConnectionRefused',
  ENOENT: 'ConnectionRefused',
  ENOTFOUND: 'HostNotFound',
  EPIPE: 'ConnectionLost',
  ETIMEDOUT: 'ConnectTimeout',
};

/** ioredis throws these without a code; the texts are those of ioredis 6.0. */
const byMessage: readonly (readonly [RegExp, RedisTransientCode])[] = [
  [/command timed out|socket timeout/i, 'Silent'],
  // Said before anything is sent. A closed connection is another matter: the command may be done.
  [/isn't writeable/i, 'NotConnected'],
  [/connection is closed|max retries per request/i, 'ConnectionLost'],
  [/invalid password|invalid username/i, 'AuthenticationFailed'],
  [/certificate|self.signed|tls|ssl/i, 'TlsFailed'],
];

/** Translates anything thrown by the driver; our own failures pass through. */
export function translate(error: unknown, attempted: string): Failure {
  if (error instanceof Failure) return error;
  return transient(codeFor(error), attempted, error);
}

export function transient(code: RedisTransientCode, attempted: string, cause?: unknown): Transient {
  return new Transient(code, `${attempted}: ${transientCodes[code]}.`, { cause, backend: 'redis' });
}

/** A script that the server does not know has not run. */
export function isUnknownScript(error: unknown): boolean {
  return (
    error instanceof Failure &&
    error.cause instanceof Error &&
    error.cause.message.startsWith('NOSCRIPT ')
  );
}

function codeFor(error: unknown): RedisTransientCode {
  if (!(error instanceof Error)) return 'ConnectionLost';
  const code: unknown = Reflect.get(error, 'code');
  if (typeof code === 'string') {
    const known = byErrno[code];
    if (known !== undefined) return known;
    if (/CERT|TLS|SSL|SIGNATURE/.test(code)) return 'TlsFailed';
  }
  const word = /^-?([A-Z]+) /.exec(error.message)?.[1];
  if (error.name === 'ReplyError') return byReply[word ?? ''] ?? 'ServerError';
  return byMessage.find(([pattern]) => pattern.test(error.message))?.[1] ?? 'ConnectionLost';
}
