/**
 * The development backends from the command line, for people who want to look inside and for tests
 * that need them to stay. What `up` starts runs until `down`, whoever else uses it meanwhile.
 */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

import { allBackendNames, backendNames, type BackendName, type RunningBackend } from './backend.ts';
import { isAlive } from './process-identity.ts';
import { definitions, startBackends } from './resolve.ts';
import { readFolder, readRecord, releaseKept, serverRoot, usersOf } from './server-folder.ts';
import { endServer, locked } from './server.ts';

const usage = `Usage: node hack/backends/main.ts <command> [options]

Commands:
  up       start the backends, print their URLs and leave them running
  down     end them once no other process uses them; data stays
  status   say which run, where, and who uses them
  env      print the URLs of the running ones as shell assignments

Options:
  --state <folder>   where data, ports and passwords are kept (default: .millrace/backends)
  --only <names>     comma list of ${allBackendNames.join(', ')}
                     (default: all but s3)
  --fresh            with up: wipe what is in the state folder first
  --help             print this

MILLRACE_POSTGRES_URL, MILLRACE_REDIS_URL, MILLRACE_RABBITMQ_URL and MILLRACE_S3_ENDPOINT are used
as they are.`;

interface Invocation {
  readonly stateDir: string;
  readonly names: readonly BackendName[];
  readonly fresh: boolean;
}

function assignments(name: BackendName, backend: Pick<RunningBackend, 'url' | 'extra'>): string[] {
  const variable = definitions[name].urlVariable;
  const owner = backend.extra.ownerUrl;
  const lines = [`${variable}='${backend.url}'`];
  if (owner !== undefined) lines.push(`${variable.replace('_URL', '_OWNER_URL')}='${owner}'`);
  const { s3 } = backend.extra;
  if (s3 !== undefined) {
    lines.push(
      `MILLRACE_S3_REGION='${s3.region}'`,
      `MILLRACE_S3_ACCESS_KEY_ID='${s3.accessKeyId}'`,
      `MILLRACE_S3_SECRET_ACCESS_KEY='${s3.secretAccessKey}'`,
    );
  }
  return lines;
}

async function up({ stateDir, names, fresh }: Invocation): Promise<void> {
  const interrupted = new AbortController();
  process.once('SIGINT', () => interrupted.abort(new Error('interrupted')));
  process.once('SIGTERM', () => interrupted.abort(new Error('terminated')));
  const started = await startBackends(names, {
    stateDir,
    fresh,
    keep: true,
    env: process.env,
    log: (line) => console.error(line),
    signal: interrupted.signal,
  });
  for (const [name, backend] of started) console.log(assignments(name, backend).join('\n'));
}

async function down({ stateDir, names }: Invocation): Promise<void> {
  const downOne = async (name: BackendName): Promise<void> => {
    const root = serverRoot(stateDir, name);
    if ((await readFolder(root)) === undefined) {
      console.log(`${name}: nothing there`);
      return;
    }
    await locked(root, async () => {
      await releaseKept(root);
      const { pids } = await usersOf(root);
      if (pids.length > 0) {
        console.log(`${name}: left running for process ${pids.join(', ')}`);
        return;
      }
      await endServer(root);
      console.log(`${name}: stopped`);
    });
  };
  await Promise.all(names.map(downOne));
}

async function status({ stateDir, names }: Invocation): Promise<void> {
  for (const name of names) {
    const root = serverRoot(stateDir, name);
    const record = await readRecord(root);
    const folder = await readFolder(root);
    if (record === undefined || folder === undefined || !record.processes.every(isAlive)) {
      console.log(`${name}: not running`);
      continue;
    }
    const { pids, kept } = await usersOf(root);
    const users = [...pids.map(String), ...(kept ? ['until down'] : [])].join(', ');
    const processes = record.processes.map(({ role, pid }) => `${role} ${String(pid)}`).join(', ');
    const { version, origin } = record.installation;
    const port = String(Object.values(folder.settings.ports)[0]);
    console.log(
      `${name}: ${version} from ${origin} on 127.0.0.1:${port} (${processes}; used by ${users || 'nobody'})`,
    );
  }
}

async function env({ stateDir, names }: Invocation): Promise<void> {
  for (const name of names) {
    const root = serverRoot(stateDir, name);
    const record = await readRecord(root);
    const folder = await readFolder(root);
    if (record === undefined || folder === undefined || !record.processes.every(isAlive)) continue;
    console.log(assignments(name, definitions[name].urls(folder)).join('\n'));
  }
}

const commands: Readonly<Record<string, (invocation: Invocation) => Promise<void>>> = {
  up,
  down,
  status,
  env,
};

function isBackendName(name: string): name is BackendName {
  return (allBackendNames as readonly string[]).includes(name);
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      state: { type: 'string', default: '.millrace/backends' },
      only: { type: 'string', default: backendNames.join(',') },
      fresh: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const [name = ''] = positionals;
  const command = commands[name];
  const names = values.only.split(',');
  if (values.help) {
    console.log(usage);
    return;
  }
  if (command === undefined || positionals.length > 1 || !names.every(isBackendName)) {
    console.error(usage);
    process.exitCode = 64;
    return;
  }
  await command({ stateDir: resolve(values.state), names, fresh: values.fresh });
}

await main();
