/**
 * Gives callers real backends: by explicit URL, else from what this host has, else from a cache of
 * packages, else from a container engine, else with an error that names the command to run. Which
 * one was taken, and why the places before it were not, is always printed; nothing is faked.
 */
import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';

import {
  origins,
  type BackendDefinition,
  type BackendName,
  type BackendOptions,
  type Installation,
  type RunningBackend,
} from './backend.ts';
import { cacheDirectory } from './cache.ts';
import { postgres } from './postgres.ts';
import { signalProcess } from './process-identity.ts';
import { rabbitmq } from './rabbitmq.ts';
import { redis } from './redis.ts';
import { s3 } from './s3.ts';
import { enter, leave, serverRoot, usersOf } from './server-folder.ts';
import {
  endServer,
  locked,
  startAgain,
  startOrAdopt,
  type ServerContext,
  type StartedServer,
} from './server.ts';
import { ensureWatcher } from './watcher.ts';

export type { BackendName, BackendOptions, RunningBackend } from './backend.ts';

export const definitions: Readonly<Record<BackendName, BackendDefinition>> = {
  postgres,
  redis,
  rabbitmq,
  s3,
};

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function findInstallation(
  definition: BackendDefinition,
  options: BackendOptions,
  signal: AbortSignal,
): Promise<Installation> {
  const { name } = definition;
  const search = {
    env: options.env,
    cacheDir: cacheDirectory(options.env),
    folder: serverRoot(options.stateDir, name),
    log: (line: string): void => options.log(`${name}: ${line}`),
    signal,
  };
  const reasons = [`${definition.urlVariable} is not set`];
  for (const origin of options.origins ?? origins) {
    if (origin === 'url') continue;
    try {
      return await definition.find(origin, search);
    } catch (error) {
      signal.throwIfAborted();
      reasons.push(`${origin}: ${reason(error)}`);
      options.log(`${name}: not from ${origin}: ${reason(error)}`);
    }
  }
  throw new Error(
    `no ${name} can be had:\n  ${reasons.join('\n  ')}\n` +
      `Set ${definition.urlVariable}, or run: ${definition.installCommand}`,
  );
}

async function given(
  definition: BackendDefinition,
  url: string,
  options: BackendOptions,
): Promise<RunningBackend> {
  const { name, urlVariable } = definition;
  const refuse = (): never => {
    throw new Error(`${name} was given by ${urlVariable}; it is not ours to stop or restart`);
  };
  // Not waited for and not checked beyond its form: absent backends are a case that the runtimes
  // report themselves.
  if (!URL.canParse(url)) throw new Error(`${urlVariable} is not a URL`);
  options.log(`${name}: from ${urlVariable}`);
  return {
    name,
    url,
    extra: definition.givenExtra(options.env, url),
    origin: 'url',
    ours: false,
    stop: async () => undefined,
    kill: refuse,
    restart: async () => refuse(),
  };
}

function running(context: ServerContext, user: string, first: StartedServer): RunningBackend {
  const { definition, root } = context;
  let current = first;
  return {
    name: definition.name,
    ...definition.urls(first.folder),
    origin: first.record.installation.origin,
    ours: true,
    get pid(): number {
      return current.record.processes.at(-1)?.pid ?? 0;
    },
    async stop() {
      await locked(root, async () => {
        await leave(root, user);
        const { pids, kept } = await usersOf(root);
        if (pids.length === 0 && !kept) await endServer(root);
        else context.log(kept ? 'left running' : `left running for process ${pids.join(', ')}`);
      });
    },
    kill(signal) {
      const server = current.record.processes.at(-1);
      if (server !== undefined) signalProcess(server, signal);
    },
    async restart() {
      current = await locked(root, async () => startAgain(context, current));
    },
  };
}

async function startOne(
  definition: BackendDefinition,
  options: BackendOptions,
  signal: AbortSignal,
): Promise<RunningBackend> {
  const url = options.env[definition.urlVariable];
  const isAllowed = (options.origins ?? origins).includes('url');
  if (isAllowed && url !== undefined && url !== '') return given(definition, url, options);

  const root = serverRoot(options.stateDir, definition.name);
  await mkdir(root, { recursive: true, mode: 0o700 });
  const context: ServerContext = {
    definition,
    root,
    fresh: options.fresh ?? false,
    signal,
    log: (line) => options.log(`${definition.name}: ${line}`),
    findInstallation: async () => findInstallation(definition, options, signal),
  };
  const startedAt = performance.now();
  const user = await enter(root, options.keep ?? false);
  try {
    await ensureWatcher(options.stateDir);
    const server = await locked(root, async () => startOrAdopt(context));
    const { origin, version, place } = server.record.installation;
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    const port = String(Object.values(server.folder.settings.ports)[0]);
    context.log(
      server.isAdopted
        ? `${version} already running on 127.0.0.1:${port}`
        : `${version} from ${origin} (${place}) on 127.0.0.1:${port}, ready in ${seconds} s`,
    );
    return running(context, user, server);
  } catch (error) {
    await leave(root, user);
    throw error;
  }
}

/**
 * Starts the named backends side by side. When one cannot be had, the others are stopped again and
 * the error says why, for each that failed.
 */
export async function startBackends(
  names: readonly BackendName[],
  options: BackendOptions,
): Promise<Map<BackendName, RunningBackend>> {
  const stateDir = resolve(options.stateDir);
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  const signal = options.signal ?? new AbortController().signal;
  const results = await Promise.allSettled(
    [...new Set(names)].map(async (name) =>
      startOne(definitions[name], { ...options, stateDir }, signal),
    ),
  );
  const started = results.flatMap((result) =>
    result.status === 'fulfilled' ? [result.value] : [],
  );
  const failures = results.flatMap((result) =>
    result.status === 'rejected' ? [result.reason as unknown] : [],
  );
  if (failures.length > 0) {
    await Promise.allSettled(started.map(async (backend) => backend.stop()));
    throw failures.length === 1
      ? failures[0]
      : new AggregateError(failures, failures.map(reason).join('\n'));
  }
  return new Map(started.map((backend) => [backend.name, backend]));
}
