/**
 * A private database for a test, owned by the migrating role as in production, with the working role
 * allowed to connect and nothing else until a migration grants it more.
 *
 * Disposing fails when connections are still open: a leak in a test is a leak in the code it tests.
 */
import { setTimeout as delay } from 'node:timers/promises';

import { Client } from 'pg';

import { given, privateName } from './backends.ts';

export interface TemplateDatabase {
  /** Changes with the content, for example a hash of the migrations; letters, digits and `_`. */
  readonly key: string;
  build(ownerUrl: string): Promise<void>;
}

export interface DatabaseOptions {
  /** Built once per server by whoever comes first and cloned afterwards. */
  readonly template?: TemplateDatabase;
  /** Pools close their sockets a moment after `end()` returns; what is open later is a leak. */
  readonly closeGraceMs?: number;
}

export interface TestDatabase extends AsyncDisposable {
  readonly name: string;
  readonly ownerUrl: string;
  /** The role that the runtimes work as. */
  readonly appUrl: string;
}

function withName(url: string, name: string): string {
  const changed = new URL(url);
  changed.pathname = `/${name}`;
  return changed.href;
}

async function asOwner<T>(work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({
    connectionString: given('postgres').ownerUrl,
    application_name: 'test fixture',
  });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function exists(client: Client, name: string): Promise<boolean> {
  const found = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name]);
  return found.rows.length > 0;
}

async function create(client: Client, name: string, template: string): Promise<void> {
  await client.query(`CREATE DATABASE ${name} TEMPLATE ${template}`);
  await client.query(`REVOKE ALL ON DATABASE ${name} FROM PUBLIC`);
}

/** Built under another name and renamed, so that a half-built template is never cloned. */
async function buildTemplate(client: Client, template: TemplateDatabase): Promise<string> {
  const name = `template_${template.key}`;
  // All test processes race for it; the first builds while the others wait at this lock.
  await client.query(`SELECT pg_advisory_lock(hashtext($1))`, [name]);
  try {
    if (await exists(client, name)) return name;
    const draft = privateName('draft');
    await create(client, draft, 'template1');
    try {
      await template.build(withName(given('postgres').ownerUrl, draft));
      await client.query(`ALTER DATABASE ${draft} RENAME TO ${name}`);
    } catch (error) {
      await client.query(`DROP DATABASE IF EXISTS ${draft}`);
      throw error;
    }
    return name;
  } finally {
    await client.query(`SELECT pg_advisory_unlock(hashtext($1))`, [name]);
  }
}

async function openConnections(client: Client, name: string): Promise<readonly string[]> {
  const found = await client.query<{ who: string }>(
    `SELECT format('%s (%s, pid %s)', usename, coalesce(nullif(application_name, ''), 'unnamed'), pid) AS who
       FROM pg_stat_activity WHERE datname = $1`,
    [name],
  );
  return found.rows.map((row) => row.who);
}

async function dispose(name: string, closeGraceMs: number): Promise<void> {
  await asOwner(async (client) => {
    const deadline = Date.now() + closeGraceMs;
    let open = await openConnections(client, name);
    while (open.length > 0 && Date.now() < deadline) {
      await delay(20);
      open = await openConnections(client, name);
    }
    // Without FORCE, which needs the right to end the other role's sessions: a leaking test keeps
    // its database until the state folder is wiped, and fails.
    if (open.length > 0) throw new Error(`${name} still has connections: ${open.join(', ')}`);
    await client.query(`DROP DATABASE IF EXISTS ${name}`);
  });
}

export async function database(options: DatabaseOptions = {}): Promise<TestDatabase> {
  const { ownerUrl, appUrl } = given('postgres');
  const name = privateName('test');
  const app = decodeURIComponent(new URL(appUrl).username);
  await asOwner(async (client) => {
    const template =
      options.template === undefined ? 'template1' : await buildTemplate(client, options.template);
    await create(client, name, template);
    await client.query(`GRANT CONNECT ON DATABASE ${name} TO "${app}"`);
  });
  return {
    name,
    ownerUrl: withName(ownerUrl, name),
    appUrl: withName(appUrl, name),
    [Symbol.asyncDispose]: async () => dispose(name, options.closeGraceMs ?? 3_000),
  };
}
