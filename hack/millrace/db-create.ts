/**
 * Makes a database and, when asked, its two roles. Safe to repeat: what exists is left as it is.
 *
 * Passwords are sent as SCRAM verifiers, since a server that logs statements would write plain ones
 * into its log.
 */
import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import { Transient } from '@millrace/kit/transient';
import type { Sql } from '@millrace/runtimes/connectors/postgres/database';
import { sqlIdentifier } from '@millrace/runtimes/connectors/postgres/identifier';
import { badUsage } from './ending.ts';
import { openPlace, type PostgresPlace } from './postgres-place.ts';

export interface CreateOptions {
  readonly at: PostgresPlace;
  /** Who creates; else the superuser of a server of play, else the owner. */
  readonly adminUrl?: string;
  readonly withRoles: boolean;
  readonly print: (line: string) => void;
}

interface Role {
  readonly name: string;
  readonly password: string;
}

export async function createDatabase(options: CreateOptions): Promise<void> {
  const { at, withRoles } = options;
  const adminUrl = options.adminUrl ?? at.superuserUrl ?? at.ownerUrl;
  await using admin = openPlace(at, maintenanceUrl(adminUrl));
  try {
    await create(admin, adminUrl, options);
  } catch (error) {
    if (!(error instanceof Transient) || error.code !== 'PermissionDenied') throw error;
    const { username } = new URL(adminUrl);
    const what = withRoles ? 'databases and roles' : 'databases';
    throw badUsage(
      `the role ${decodeURIComponent(username)} may not create ${what}; give one that may with --admin-url`,
    );
  }
}

async function create(admin: Sql, adminUrl: string, options: CreateOptions): Promise<void> {
  const { at, withRoles, print } = options;
  const database = databaseOf(at.url);
  const owner = roleOf(at.ownerUrl, adminUrl, 'millrace_owner');
  const app = roleOf(at.url, adminUrl, 'millrace_app');
  if (withRoles) {
    await createRole(admin, owner, print);
    await createRole(admin, app, print);
  }
  const isNew = !(await exists(admin, 'pg_database WHERE datname', database));
  if (isNew) {
    // A role can only give to another what it may become itself.
    if (withRoles) await becomeMember(admin, owner.name);
    const owned = withRoles ? ` OWNER ${sqlIdentifier(owner.name)}` : '';
    await admin.query(`CREATE DATABASE ${sqlIdentifier(database)}${owned}`);
  }
  print(isNew ? `created database ${database}` : `database ${database} is there already`);
  if (!withRoles) return;
  if (isNew) await admin.query(`REVOKE ALL ON DATABASE ${sqlIdentifier(database)} FROM PUBLIC`);
  await admin.query(
    `GRANT CONNECT ON DATABASE ${sqlIdentifier(database)} TO ${sqlIdentifier(app.name)}`,
  );
  print(`${app.name} may connect to ${database}`);
}

function databaseOf(url: string): string {
  const name = decodeURIComponent(new URL(url).pathname.slice(1));
  if (name === '') throw badUsage('the URL names no database; end it with one, such as /millrace');
  return name;
}

/** Every server has `postgres`; the database of the URL may not exist yet. */
function maintenanceUrl(url: string): string {
  const changed = new URL(url);
  changed.pathname = '/postgres';
  return changed.href;
}

/** The user of a URL; a URL that is also the administrator's names nobody. */
function roleOf(url: string, adminUrl: string, fallback: string): Role {
  const { username, password } = new URL(url);
  const isAdmin = username === '' || username === new URL(adminUrl).username;
  if (isAdmin) return { name: fallback, password: '' };
  return { name: decodeURIComponent(username), password: decodeURIComponent(password) };
}

async function exists(sql: Sql, where: string, name: string): Promise<boolean> {
  return (await sql.query(`SELECT FROM ${where} = $1`, [name])).rowCount > 0;
}

async function createRole(sql: Sql, role: Role, print: (line: string) => void): Promise<void> {
  const { name, password } = role;
  if (await exists(sql, 'pg_roles WHERE rolname', name)) {
    print(`role ${name} is there already; its password was not changed`);
    return;
  }
  const secret = password === '' ? '' : ` PASSWORD '${scramVerifier(password)}'`;
  await sql.query(`CREATE ROLE ${sqlIdentifier(name)} LOGIN${secret}`);
  print(
    password === ''
      ? `created role ${name} without a password; set one with: ALTER ROLE ${name} PASSWORD …`
      : `created role ${name} with the password of its URL`,
  );
}

async function becomeMember(sql: Sql, role: string): Promise<void> {
  const { rows } = await sql.query<{ may: boolean }>(
    `SELECT pg_has_role(current_user, $1, 'USAGE') AS may`,
    [role],
  );
  if (rows[0]?.may !== true) await sql.query(`GRANT ${sqlIdentifier(role)} TO CURRENT_USER`);
}

const iterations = 4096;

/** RFC 5803, as the server stores it. Only for passwords that SASLprep leaves as they are. */
export function scramVerifier(password: string, salt: Buffer = randomBytes(16)): string {
  if (!/^[\x20-\x7e]+$/.test(password))
    throw badUsage('the password of a new role must be of printable ASCII characters');
  const salted = pbkdf2Sync(password, salt, iterations, 32, 'sha256');
  const keyed = (text: string): Buffer => createHmac('sha256', salted).update(text).digest();
  const stored = createHash('sha256').update(keyed('Client Key')).digest('base64');
  const server = keyed('Server Key').toString('base64');
  return `SCRAM-SHA-256$${String(iterations)}:${salt.toString('base64')}$${stored}:${server}`;
}
