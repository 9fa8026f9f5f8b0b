/**
 * The one table that translates what pg throws into our failure families.
 *
 * Everything that an operator or administrator can repair while we wait is Transient: refused
 * connections, wrong passwords (they rotate), missing grants, a full disk, a standby. What the row or
 * value itself causes is a DataError, so that a loader can find and reject that row. Wrong SQL is our
 * Fault. An unknown network failure is Transient, since waiting loses nothing.
 */
import { Failure } from '@millrace/kit/failure';
import { Fault } from '@millrace/kit/fault';
import { Permanent } from '@millrace/kit/permanent';
import { Transient } from '@millrace/kit/transient';
import { DataError } from './data-error.ts';

/** Every Transient code that leaves this connector, with what it means for a reader of a condition. */
export const transientCodes = {
  AdminShutdown: 'the server is shutting down or an administrator ended the connection',
  AuthenticationFailed: 'the server refused user or password; correct POSTGRES_URL in the Secret',
  BadUrl: 'the URL in the Secret is no postgres:// URL; correct it',
  ConnectionLost: 'the connection broke',
  ConnectionRefused: 'nothing accepts connections at the address',
  ConnectTimeout: 'no connection within the time limit',
  DatabaseMissing: 'the database of the URL does not exist',
  Deadlock: 'two transactions locked each other out',
  DiskFull: 'the server’s disk is full',
  HostNotFound: 'the host name does not resolve',
  LockTimeout: 'a lock was held for too long by another session',
  OutOfResources: 'the server is out of memory or another resource',
  PermissionDenied: 'the role lacks a privilege; grant it',
  ReadOnly: 'the server accepts no writes (a standby, or read-only mode)',
  SchemaMissing: 'a table or schema that must exist is absent',
  SerializationFailure: 'a concurrent transaction came first',
  ServerError: 'the server reported an internal or I/O error',
  Silent: 'the server did not answer within the time limit',
  StartingUp: 'the server is starting up or recovering',
  StatementTimeout: 'a statement exceeded its time limit',
  TlsFailed: 'no trusted TLS connection could be made; check sslmode and CA_BUNDLE',
  TooManyConnections: 'the server has no free connection',
  Unreachable: 'the network cannot reach the address',
} as const;
export type PostgresTransientCode = keyof typeof transientCodes;

/** After these the connection cannot be trusted and must not return to the pool. */
const fatalToConnection: ReadonlySet<string> = new Set<PostgresTransientCode>([
  'AdminShutdown',
  'ConnectionLost',
  'ConnectTimeout',
  'ServerError',
  'Silent',
  'Unreachable',
]);

const bySqlstate: Readonly<Record<string, PostgresTransientCode>> = {
  '25006': 'ReadOnly',
  '25P03': 'ConnectionLost',
  '3D000': 'DatabaseMissing',
  '3F000': 'SchemaMissing',
  '40001': 'SerializationFailure',
  '40003': 'ConnectionLost',
  '40P01': 'Deadlock',
  '42501': 'PermissionDenied',
  '42P01': 'SchemaMissing',
  '53100': 'DiskFull',
  '53300': 'TooManyConnections',
  '55P03': 'LockTimeout',
  '57014': 'StatementTimeout',
  '57P01': 'AdminShutdown',
  '57P02': 'AdminShutdown',
  '57P03': 'StartingUp',
  '57P05': 'ConnectionLost',
};

/** SQLSTATE classes, used where no single state above matches. */
const bySqlstateClass: Readonly<Record<string, PostgresTransientCode>> = {
  '08': 'ConnectionLost',
  '28': 'AuthenticationFailed',
  '53': 'OutOfResources',
  '57': 'AdminShutdown',
  '58': 'ServerError',
  XX: 'ServerError',
};

const byErrno: Readonly<Record<string, PostgresTransientCode>> = {
  EAI_AGAIN: 'HostNotFound',
  ECONNREFUSED: 'ConnectionRefused',
  ECONNRESET: 'ConnectionLost',
  EHOSTUNREACH: 'Unreachable',
  ENETUNREACH: 'Unreachable',
  ENOENT: 'ConnectionRefused',
  ENOTFOUND: 'HostNotFound',
  EPIPE: 'ConnectionLost',
  ETIMEDOUT: 'ConnectTimeout',
};

/** pg throws these without a code; the texts are those of pg 8.23. */
const byMessage: readonly (readonly [RegExp, PostgresTransientCode])[] = [
  [/query read timeout/i, 'Silent'],
  [
    /timeout exceeded when trying to connect|due to connection timeout|timeout expired/i,
    'ConnectTimeout',
  ],
  [/connection terminated|not queryable|connection error/i, 'ConnectionLost'],
  [/does not support ssl|certificate|self.signed|tls|ssl/i, 'TlsFailed'],
  [/password must be a string|SASL|SCRAM/, 'AuthenticationFailed'],
];

/** Translates anything thrown by the driver; our own failures pass through. */
export function translate(error: unknown, attempted: string): Failure {
  if (error instanceof Failure) return error;
  if (!(error instanceof Error)) return new Fault(`${attempted}: a non-error was thrown`);
  const state = sqlstateOf(error);
  if (state !== undefined) return translateSqlstate(error, state, attempted);
  const code = networkCode(error);
  return code === undefined
    ? new Fault(`${attempted}: unexpected failure in the client`, { cause: error })
    : transient(code, attempted, error);
}

export function transient(
  code: PostgresTransientCode,
  attempted: string,
  cause?: unknown,
): Transient {
  return new Transient(code, `${attempted}: ${transientCodes[code]}.`, {
    cause,
    backend: 'postgres',
  });
}

/** Whether the connection on which this happened must be closed. */
export function endsConnection(failure: Failure): boolean {
  return fatalToConnection.has(failure.code);
}

function translateSqlstate(error: Error, state: string, attempted: string): Failure {
  const code = bySqlstate[state] ?? bySqlstateClass[state.slice(0, 2)];
  if (code !== undefined) return transient(code, attempted, error);
  if (/^(22|23|54|P0001)/.test(state)) {
    return new DataError({
      sqlstate: state,
      column: textField(error, 'column'),
      constraint: textField(error, 'constraint'),
      cause: error,
    });
  }
  // Definitions that clash with what the database already holds: a wish that cannot be met.
  if (
    /^(42P07|42P06|42701|42703|42704|42710|42804|42809|42P16|42P10|2BP01|0A000|55000)/.test(state)
  ) {
    return new Permanent(`Schema:${state}`, `${attempted}: refused with SQLSTATE ${state}.`, {
      cause: error,
      backend: 'postgres',
    });
  }
  return new Fault(`${attempted}: unexpected SQLSTATE ${state}`, { cause: error });
}

function sqlstateOf(error: Error): string | undefined {
  const code = textField(error, 'code');
  return code !== undefined && /^[0-9A-Z]{5}$/.test(code) && 'severity' in error ? code : undefined;
}

function networkCode(error: Error): PostgresTransientCode | undefined {
  // Happy eyeballs: a host with several addresses fails with all of them at once.
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error;
  const code = first instanceof Error ? textField(first, 'code') : undefined;
  if (code !== undefined) {
    const known = byErrno[code];
    if (known !== undefined) return known;
    if (/CERT|TLS|SSL|SIGNATURE/.test(code)) return 'TlsFailed';
    if (/^E[A-Z]+$/.test(code)) return 'ConnectionLost';
  }
  return byMessage.find(([pattern]) => pattern.test(error.message))?.[1];
}

function textField(error: Error, name: string): string | undefined {
  const value: unknown = Reflect.get(error, name);
  return typeof value === 'string' ? value : undefined;
}
