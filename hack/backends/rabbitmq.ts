/**
 * RabbitMQ, the slowest of the three to start. It runs by its inner script, since the outer one
 * switches user, with everything it would take from /etc, /var and the home folder pointed into the
 * state folder.
 *
 * The Erlang port mapper (epmd) is started by us as a process of its own: left to itself RabbitMQ
 * starts one that outlives it and that nobody owns.
 */
import { access, mkdir, readdir, readFile, realpath, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { connect as amqpConnect } from 'amqplib';

import type { BackendDefinition, Command, Installation, Search, ServerFolder } from './backend.ts';
import { findProgram, run } from './command.ts';
import { containerCommand, containerEngine, prepareContainer } from './container.ts';
import { debianPackages, libraryPath } from './debian.ts';

const image = 'docker.io/library/rabbitmq:4.1';
const erlangLibraries =
  'asn1 base crypto eldap ftp inets mnesia os-mon parsetools public-key runtime-tools snmp ssl ' +
  'syntax-tools tftp tools xmerl';

const packages = {
  name: 'rabbitmq',
  revision: 1,
  packages: [
    'rabbitmq-server',
    ...erlangLibraries.split(' ').map((name) => `erlang-${name}`),
    'libsctp1',
    'libssl3',
    'socat',
  ],
  /** Debian's start script knows only its installed place, even when ERL_ROOTDIR is set. */
  async adjust(folder: string): Promise<void> {
    const script = join(folder, 'usr', 'lib', 'erlang', 'bin', 'erl');
    const text = await readFile(script, 'utf8');
    await writeFile(script, text.replaceAll('ROOTDIR=/usr/lib/erlang', 'ROOTDIR="$ERL_ROOTDIR"'));
  },
};

async function isFile(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function portMapper(erlangRoot: string): Promise<string> {
  for (const folder of (await readdir(erlangRoot)).toSorted().toReversed()) {
    if (folder !== 'bin' && !folder.startsWith('erts-')) continue;
    const path = folder === 'bin' ? join(erlangRoot, 'bin') : join(erlangRoot, folder, 'bin');
    if (await isFile(join(path, 'epmd'))) return join(path, 'epmd');
  }
  throw new Error(`no epmd under ${erlangRoot}`);
}

/** The version is part of the folder name in every distribution of it. */
function versionOf(script: string): string {
  return /rabbitmq(?:_|-)server-(\d+\.\d+\.\d+)/.exec(script)?.[1] ?? 'unknown version';
}

async function innerScript(found: string): Promise<string> {
  const real = await realpath(found);
  for (const folder of [dirname(real), '/usr/lib/rabbitmq/bin']) {
    if (await isFile(join(folder, 'rabbitmq-env')))
      return realpath(join(folder, 'rabbitmq-server'));
  }
  throw new Error(`${found} is only a wrapper; the server's own script is not beside it`);
}

async function onPath(search: Search): Promise<Installation> {
  const found = await findProgram('rabbitmq-server', search.env);
  const erl = await findProgram('erl', search.env);
  if (found === undefined) throw new Error('no rabbitmq-server on PATH');
  if (erl === undefined) throw new Error('rabbitmq-server is on PATH but erl is not');
  const server = await innerScript(found);
  const print = 'io:format("~s", [code:root_dir()]), halt().';
  const env = { PATH: search.env['PATH'] ?? '', HOME: search.folder };
  const root = await run(erl, ['-noshell', '-eval', print], { env, timeoutMs: 20_000 });
  const epmd = await portMapper(root.trim());
  return {
    origin: 'path',
    version: versionOf(server),
    place: found,
    programs: { server, epmd },
    env: { PATH: env.PATH },
  };
}

async function inCache(search: Search): Promise<Installation> {
  const folder = await debianPackages(packages, search);
  const erlang = join(folder, 'usr', 'lib', 'erlang');
  const script = join(folder, 'usr', 'lib', 'rabbitmq', 'bin', 'rabbitmq-server');
  const server = await realpath(script);
  return {
    origin: 'cache',
    version: versionOf(server),
    place: folder,
    programs: { server, epmd: await portMapper(erlang) },
    env: {
      PATH: `${join(erlang, 'bin')}:${join(folder, 'usr', 'bin')}:${search.env['PATH'] ?? ''}`,
      LD_LIBRARY_PATH: await libraryPath(folder),
      ERL_ROOTDIR: erlang,
    },
  };
}

function configuration(folder: ServerFolder): string {
  const { ports, secrets } = folder.settings;
  return [
    `listeners.tcp.1 = 127.0.0.1:${String(ports['main'])}`,
    'loopback_users = none',
    'default_user = millrace',
    `default_pass = ${secrets['password'] ?? ''}`,
    'vm_memory_high_watermark.absolute = 1GB',
    'disk_free_limit.absolute = 200MB',
    // The default of 512 MB is written and held in memory before the first roll-over.
    'raft.wal_max_size_bytes = 67108864',
    'log.console = true',
    'log.console.level = info',
    'log.file = false',
    '',
  ].join('\n');
}

function commands(installation: Installation, folder: ServerFolder): [Command, ...Command[]] {
  const { ports } = folder.settings;
  const file = (name: string): string => join(folder.root, name);
  const env = {
    ...installation.env,
    HOME: folder.root,
    LANG: 'C.UTF-8',
    ERL_EPMD_PORT: String(ports['epmd']),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_NODENAME: 'millrace@localhost',
    RABBITMQ_MNESIA_BASE: folder.data,
    RABBITMQ_LOG_BASE: file('log'),
    RABBITMQ_LOGS: '-',
    RABBITMQ_CONFIG_FILE: file('rabbitmq.conf'),
    RABBITMQ_ADVANCED_CONFIG_FILE: file('advanced.config'),
    RABBITMQ_CONF_ENV_FILE: file('rabbitmq-env.conf'),
    RABBITMQ_ENABLED_PLUGINS_FILE: file('enabled_plugins'),
    RABBITMQ_PID_FILE: file('rabbitmq.pid'),
    RABBITMQ_GENERATED_CONFIG_DIR: file('generated'),
    RABBITMQ_DIST_PORT: String(ports['distribution']),
    // No busy waiting: the host's few cores are shared with what is being tested.
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS:
      '-kernel inet_dist_use_interface {127,0,0,1} +sbwt none +sbwtdcpu none +sbwtdio none',
    // Makes the script replace itself with the Erlang machine, so that its pid is the server's.
    RUNNING_UNDER_SYSTEMD: 'true',
  };
  const common = { env, cwd: folder.root, stopSignals: ['SIGTERM'] as const };
  return [
    {
      ...common,
      role: 'epmd',
      file: installation.programs['epmd'] ?? 'epmd',
      args: ['-port', String(ports['epmd']), '-address', '127.0.0.1'],
    },
    {
      ...common,
      role: 'server',
      file: installation.programs['server'] ?? 'rabbitmq-server',
      args: [],
    },
  ];
}

async function connect(url: string, timeoutMs: number): Promise<void> {
  // The listener keeps a connection that breaks while closing from ending this process.
  const greeting = amqpConnect(url, { timeout: timeoutMs }).then(async (connection) =>
    connection.on('error', () => undefined).close(),
  );
  const late = delay(timeoutMs, undefined, { ref: false }).then(() => {
    throw new Error('RabbitMQ accepts connections but does not answer');
  });
  await Promise.race([greeting, late]);
}

export const rabbitmq: BackendDefinition = {
  name: 'rabbitmq',
  urlVariable: 'MILLRACE_RABBITMQ_URL',
  portNames: ['main', 'distribution', 'epmd'],
  secretNames: ['password'],
  startDeadlineMs: 180_000,
  installCommand: 'apt-get install rabbitmq-server',

  async find(origin, search) {
    if (origin === 'path') return onPath(search);
    if (origin === 'cache') return inCache(search);
    return containerEngine(image, search);
  },

  async prepare(installation, folder) {
    await mkdir(folder.data, { recursive: true, mode: 0o700 });
    await writeFile(join(folder.root, 'rabbitmq.conf'), configuration(folder), { mode: 0o600 });
    await writeFile(join(folder.root, 'enabled_plugins'), '[].\n');
    if (installation.origin === 'container') {
      await prepareContainer('rabbitmq', installation, folder);
    }
  },

  commands(installation, folder) {
    if (installation.origin !== 'container') return commands(installation, folder);
    const inside = {
      name: 'rabbitmq',
      image,
      port: 5672,
      dataPath: '/var/lib/rabbitmq',
      env: {
        RABBITMQ_NODENAME: 'millrace@localhost',
        RABBITMQ_DEFAULT_USER: 'millrace',
        RABBITMQ_DEFAULT_PASS: folder.settings.secrets['password'] ?? '',
      },
      args: [],
    };
    return [containerCommand(inside, installation, folder)];
  },

  urls({ settings }) {
    const { ports, secrets } = settings;
    const password = secrets['password'] ?? '';
    return { url: `amqp://millrace:${password}@127.0.0.1:${String(ports['main'])}/`, extra: {} };
  },

  givenExtra: () => ({}),
  connect,
};
