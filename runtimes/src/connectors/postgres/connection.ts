/**
 * What every connection is made with: address, TLS as libpq reads `sslmode`, and session settings.
 *
 * The settings are set and then read back in one statement, `synchronous_commit` above all: an
 * acknowledgement that follows a commit is a promise of durability, and a role or database setting
 * must not weaken it unseen.
 */
import type { ClientBase, PoolConfig } from 'pg';
import pg from 'pg';
import { Fault } from '@millrace/kit/fault';
import { transient } from './failures.ts';

/** A statement of ours takes milliseconds; bulk work sets its own limit. Too low fails good work. */
export const statementTimeoutMs = 60_000;
/** Locks are held for one chunk at most; waiting longer means something is stuck. */
const lockTimeoutMs = 30_000;
/** A process frozen inside a transaction must give its locks back within a minute. */
const idleInTransactionTimeoutMs = 60_000;
/** How long the client waits beyond the server's own limit before it calls the server silent. */
const silenceMarginMs = 5_000;
const connectTimeoutMs = 5_000;

export interface ConnectionOptions {
  readonly url: string;
  readonly caBundle: string | undefined;
  readonly applicationName: string;
  readonly max: number;
}

export function silenceTimeoutMs(statementMs: number): number {
  return statementMs + silenceMarginMs;
}

export function poolConfig(options: ConnectionOptions): PoolConfig {
  const { connectionString, ssl } = parseUrl(options.url, options.caBundle);
  return {
    connectionString,
    ...(ssl === undefined ? {} : { ssl }),
    max: options.max,
    application_name: options.applicationName,
    connectionTimeoutMillis: connectTimeoutMs,
    query_timeout: silenceTimeoutMs(statementTimeoutMs),
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    allowExitOnIdle: true,
    types: { getTypeParser },
    // pg-pool awaits the promise and fails the checkout with it, which its types do not say.
    onConnect: (client) => prepareSession(client) as unknown as undefined,
  };
}

type Ssl = Exclude<PoolConfig['ssl'], undefined>;

/** Reads `sslmode` as libpq does; pg's own reading differs and warns. */
function parseUrl(
  text: string,
  caBundle: string | undefined,
): { connectionString: string; ssl: Ssl | undefined } {
  const url = URL.parse(text.trim());
  if (url === null || !/^postgres(ql)?:$/.test(url.protocol)) {
    throw transient('BadUrl', 'Reading the Postgres URL');
  }
  const mode = url.searchParams.get('sslmode');
  url.searchParams.delete('sslmode');
  return { connectionString: url.href, ssl: sslFor(mode, caBundle) };
}

function sslFor(mode: string | null, caBundle: string | undefined): Ssl | undefined {
  const ca = caBundle === undefined ? {} : { ca: caBundle };
  switch (mode) {
    case 'require':
      return caBundle === undefined
        ? { rejectUnauthorized: false }
        : { ...ca, checkServerIdentity: () => undefined };
    case 'verify-ca':
      return { ...ca, checkServerIdentity: () => undefined };
    case 'verify-full':
      return { ...ca, rejectUnauthorized: true };
    default:
      return undefined;
  }
}

const settings: Readonly<Record<string, string>> = {
  statement_timeout: String(statementTimeoutMs),
  lock_timeout: String(lockTimeoutMs),
  idle_in_transaction_session_timeout: String(idleInTransactionTimeoutMs),
  TimeZone: 'UTC',
  synchronous_commit: 'on',
  client_encoding: 'UTF8',
};

const settingsSql = `SELECT ${Object.keys(settings)
  .map((name, index) => `set_config('${name}', $${index + 1}, false)`)
  .join(', ')}`;

async function prepareSession(client: ClientBase): Promise<void> {
  // A connection that breaks while it is checked out reports to its query and emits `error` too;
  // without a listener that event ends the process.
  client.on('error', () => undefined);
  await client.query(settingsSql, Object.values(settings));
  const { rows } = await client.query<{ synchronous_commit: string }>('SHOW synchronous_commit');
  if (rows[0]?.synchronous_commit !== 'on') {
    throw new Fault('synchronous_commit could not be set on a session');
  }
}

/** Times stay text: a Date loses microseconds, and `date` becomes local midnight. */
const timeTypes: ReadonlySet<number> = new Set([1082, 1083, 1114, 1184, 1186, 1266]);

function getTypeParser(oid: number, format?: 'text' | 'binary'): (text: string) => unknown {
  if (timeTypes.has(oid)) return (text) => text;
  // int8 and numeric stay text by pg's default, since a double cannot hold them.
  return format === 'binary'
    ? pg.types.getTypeParser(oid, 'binary')
    : pg.types.getTypeParser(oid, 'text');
}
