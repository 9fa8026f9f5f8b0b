/**
 * An S3 store: versitygw over plain files, with versions for buckets that ask for them.
 *
 * Debian has no package of it, so the cache holds a program built from its Go module. What it keeps
 * beside the bytes is in files too, since not every file system has extended attributes. Keys and
 * passwords are in its environment, never on a command line.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { goTool } from '../tools/go-tool.ts';
import type { BackendDefinition, Command, Installation, Search, ServerFolder } from './backend.ts';
import { findProgram, run } from './command.ts';
import { containerCommand, containerEngine, prepareContainer } from './container.ts';

const image = 'docker.io/versity/versitygw:v1.7.0';
const region = 'us-east-1';
const accessKeyId = 'millrace';

async function checked(origin: 'path' | 'cache', server: string): Promise<Installation> {
  const text = await run(server, ['--version'], { timeoutMs: 10_000 });
  const version = /v?(\d+\.\d+\.\d+)/.exec(text)?.[1];
  if (version === undefined) throw new Error(`${server} does not tell its version`);
  return { origin, version, place: server, programs: { server }, env: {} };
}

async function onPath({ env }: Search): Promise<Installation> {
  const server = await findProgram('versitygw', env);
  if (server === undefined) throw new Error('no versitygw on PATH');
  return checked('path', server);
}

async function inCache({ env, log, signal }: Search): Promise<Installation> {
  return checked('cache', await goTool({ name: 'versitygw', env, log, signal }));
}

/** Both processes and containers take these. */
function rootUser({ settings }: ServerFolder): Readonly<Record<string, string>> {
  return { ROOT_ACCESS_KEY: accessKeyId, ROOT_SECRET_KEY: settings.secrets['secretKey'] ?? '' };
}

function folders({ data }: ServerFolder): { objects: string; versions: string; about: string } {
  return {
    objects: join(data, 'objects'),
    versions: join(data, 'versions'),
    about: join(data, 'about'),
  };
}

function serverCommand(installation: Installation, folder: ServerFolder): Command {
  const { objects, versions, about } = folders(folder);
  const address = `127.0.0.1:${String(folder.settings.ports['main'])}`;
  const store = ['posix', '--sidecar', about, '--versioning-dir', versions, objects];
  return {
    role: 'server',
    file: installation.programs['server'] ?? 'versitygw',
    args: ['--port', address, '--region', region, '--keep-alive', '--quiet', ...store],
    env: { ...installation.env, ...rootUser(folder) },
    cwd: folder.root,
    stopSignals: ['SIGTERM'],
  };
}

/** Any answer will do: without a signature it is a refusal. */
async function connect(url: string, timeoutMs: number): Promise<void> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
  await answer.body?.cancel();
}

export const s3: BackendDefinition = {
  name: 's3',
  urlVariable: 'MILLRACE_S3_ENDPOINT',
  portNames: ['main'],
  secretNames: ['secretKey'],
  startDeadlineMs: 60_000,
  installCommand: 'go install github.com/versity/versitygw/cmd/versitygw@v1.7.0',

  async find(origin, search) {
    if (origin === 'path') return onPath(search);
    if (origin === 'cache') return inCache(search);
    return containerEngine(image, search);
  },

  async prepare(installation, folder) {
    for (const path of Object.values(folders(folder))) {
      await mkdir(path, { recursive: true, mode: 0o700 });
    }
    if (installation.origin === 'container') await prepareContainer('s3', installation, folder);
  },

  commands(installation, folder) {
    if (installation.origin !== 'container') return [serverCommand(installation, folder)];
    const script =
      'mkdir -p /data/objects /data/versions /data/about && exec versitygw --port :7070 --quiet ' +
      'posix --sidecar /data/about --versioning-dir /data/versions /data/objects';
    const inside = {
      name: 's3',
      image,
      port: 7070,
      dataPath: '/data',
      env: rootUser(folder),
      args: ['sh', '-c', script],
    };
    return [containerCommand(inside, installation, folder)];
  },

  urls(folder) {
    const secretAccessKey = rootUser(folder)['ROOT_SECRET_KEY'] ?? '';
    return {
      url: `http://127.0.0.1:${String(folder.settings.ports['main'])}`,
      extra: { s3: { region, accessKeyId, secretAccessKey } },
    };
  },

  givenExtra: (env) => ({
    s3: {
      region: env['MILLRACE_S3_REGION'] ?? region,
      accessKeyId: env['MILLRACE_S3_ACCESS_KEY_ID'] ?? '',
      secretAccessKey: env['MILLRACE_S3_SECRET_ACCESS_KEY'] ?? '',
    },
  }),
  connect,
};
