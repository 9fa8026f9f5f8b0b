/**
 * Postgres with its durability left on: what the tests prove about crashes must hold in production.
 *
 * A data folder is made ready before the server first listens: roles, passwords and the database are
 * written in single-user mode, so there is no moment in which it runs with a known password.
 * Postgres refuses root; there it runs in a user namespace of its own, which changes nothing on the
 * host and needs no other account.
 */
import { constants, cp, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { Client } from 'pg';

import type { BackendDefinition, Command, Installation, ServerFolder } from './backend.ts';
import { run } from './command.ts';
import { containerCommand, containerEngine, prepareContainer } from './container.ts';
import { postgresInCache, postgresOnPath, unprivileged } from './postgres-installation.ts';

const image = 'docker.io/library/postgres:18';
const database = 'millrace';

/** Passwords are hexadecimal, so they need no quoting beyond this. */
function roleStatements(folder: ServerFolder): readonly string[] {
  const { superuser, owner, app } = folder.settings.secrets;
  return [
    `ALTER ROLE postgres PASSWORD '${superuser ?? ''}'`,
    // CREATEDB is for tests, which give every file a database of its own.
    `CREATE ROLE millrace_owner LOGIN CREATEDB PASSWORD '${owner ?? ''}'`,
    `CREATE ROLE millrace_app LOGIN PASSWORD '${app ?? ''}'`,
    `CREATE DATABASE ${database} OWNER millrace_owner`,
    `REVOKE ALL ON DATABASE ${database} FROM PUBLIC`,
    `GRANT CONNECT ON DATABASE ${database} TO millrace_app`,
  ];
}

/** Named `.new` until it is complete, so that a killed first start is begun again. */
async function createData(installation: Installation, folder: ServerFolder): Promise<void> {
  const draft = `${folder.data}.new`;
  await rm(draft, { recursive: true, force: true });
  await mkdir(dirname(draft), { recursive: true });
  await cp(installation.programs['template'] ?? '', draft, {
    recursive: true,
    mode: constants.COPYFILE_FICLONE,
  });
  const { file, args } = unprivileged([
    installation.programs['postgres'] ?? 'postgres',
    '--single',
    '-D',
    draft,
    '-c',
    'password_encryption=scram-sha-256',
    '-c',
    `unix_socket_directories=`,
    'postgres',
  ]);
  await run(file, args, {
    env: installation.env,
    cwd: folder.root,
    input: `${roleStatements(folder).join('\n')}\n`,
  });
  await rename(draft, folder.data);
}

/**
 * A lock file whose pid the kernel has given to another program stops Postgres from starting. It is
 * removed only when that program is visibly not a server on this data folder.
 */
async function removeForeignLock(data: string): Promise<void> {
  const lock = join(data, 'postmaster.pid');
  const pid = (await readFile(lock, 'utf8').catch(() => '')).split('\n')[0] ?? '';
  if (pid === '') return;
  const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => undefined);
  if (line !== undefined && !line.includes(data)) await rm(lock, { force: true });
}

async function prepare(installation: Installation, folder: ServerFolder): Promise<void> {
  if (installation.origin === 'container') {
    await prepareContainer('postgres', installation, folder);
    return;
  }
  const kept = await readFile(join(folder.data, 'PG_VERSION'), 'utf8').catch(() => undefined);
  if (kept === undefined) await createData(installation, folder);
  await removeForeignLock(folder.data);
}

const settings = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '200',
  shared_buffers: '256MB',
  max_wal_size: '4GB',
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  password_encryption: 'scram-sha-256',
  log_min_messages: 'warning',
};

function serverCommand(installation: Installation, folder: ServerFolder): Command {
  const flags = Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
  return {
    ...unprivileged([
      installation.programs['postgres'] ?? 'postgres',
      '-D',
      folder.data,
      '-p',
      String(folder.settings.ports['main']),
      ...flags,
    ]),
    role: 'server',
    env: installation.env,
    cwd: folder.root,
    // Fast shutdown first: it ends sessions but writes a checkpoint. Immediate only if that hangs.
    stopSignals: ['SIGINT', 'SIGQUIT'],
  };
}

/** The image's own first start makes a superuser; our roles need a script, so it gets one. */
function insideCommand(installation: Installation, folder: ServerFolder): Command {
  const statements = `${roleStatements(folder).join(';\n')};`;
  const script =
    'printf "%s" "$MILLRACE_SETUP" > /docker-entrypoint-initdb.d/setup.sql; ' +
    'exec docker-entrypoint.sh postgres -c max_connections=200 -c shared_buffers=256MB -c max_wal_size=4GB';
  const inside = {
    name: 'postgres',
    image,
    port: 5432,
    dataPath: '/var/lib/postgresql',
    env: {
      POSTGRES_PASSWORD: folder.settings.secrets['superuser'] ?? '',
      MILLRACE_SETUP: statements,
    },
    args: ['bash', '-c', script],
  };
  return containerCommand(inside, installation, folder);
}

async function connect(url: string, timeoutMs: number): Promise<void> {
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
  });
  // Failures reach us through the rejected call; without a listener they would end the process.
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('SELECT 1');
  } finally {
    await client.end();
  }
}

export const postgres: BackendDefinition = {
  name: 'postgres',
  urlVariable: 'MILLRACE_POSTGRES_URL',
  portNames: ['main'],
  secretNames: ['superuser', 'owner', 'app'],
  startDeadlineMs: 120_000,
  installCommand: 'apt-get install postgresql',
  startAgainOn: /pre-existing shared memory block|lock file "postmaster.pid" already exists/,

  async find(origin, search) {
    if (origin === 'path') return postgresOnPath(search);
    if (origin === 'cache') return postgresInCache(search);
    return containerEngine(image, search);
  },

  prepare,
  commands: (installation, folder) => [
    installation.origin === 'container'
      ? insideCommand(installation, folder)
      : serverCommand(installation, folder),
  ],

  urls(folder) {
    const { ports, secrets } = folder.settings;
    const url = (role: string, password: string | undefined, name: string): string =>
      `postgres://${role}:${password ?? ''}@127.0.0.1:${String(ports['main'])}/${name}`;
    return {
      url: url('millrace_app', secrets['app'], database),
      extra: {
        ownerUrl: url('millrace_owner', secrets['owner'], database),
        superuserUrl: url('postgres', secrets['superuser'], database),
      },
    };
  },

  givenExtra: (env, url) => ({ ownerUrl: env['MILLRACE_POSTGRES_OWNER_URL'] ?? url }),
  connect,
};
