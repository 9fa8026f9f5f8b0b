/**
 * One server of ours: start or adopt, stop, and start again, the same way for every backend.
 *
 * Guarantees, each under the folder's lock: at most one server runs on a data folder; leftovers of a
 * killed run are ended by recorded pid and start time before a new start; a server that is used by
 * another living process is never ended or wiped. Servers run in sessions of their own, so Ctrl-C on
 * a terminal reaches only the program that must drain; the watcher ends them when that program is
 * killed.
 */
import { spawn } from 'node:child_process';
import { open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import type { BackendDefinition, Command, Installation, ServerFolder } from './backend.ts';
import { lastLines } from './command.ts';
import { withLock } from './file-lock.ts';
import { endProcess, identify, isAlive } from './process-identity.ts';
import { removeRemnants } from './remnants.ts';
import {
  openFolder,
  readFolder,
  readRecord,
  usersOf,
  writeRecord,
  type RunningProcess,
  type RunningRecord,
} from './server-folder.ts';

/** Long enough for a Postgres checkpoint and for RabbitMQ to close its queues on a busy host. */
const stopPatienceMs = 20_000;
const probeTimeoutMs = 3_000;

export interface ServerContext {
  readonly definition: BackendDefinition;
  readonly root: string;
  readonly fresh: boolean | 'if-unused';
  readonly signal: AbortSignal;
  log(line: string): void;
  findInstallation(): Promise<Installation>;
}

export interface StartedServer {
  readonly folder: ServerFolder;
  readonly record: RunningRecord;
  readonly isAdopted: boolean;
}

export async function locked<T>(root: string, work: () => Promise<T>): Promise<T> {
  return withLock(join(root, 'lock'), { waitMs: 900_000 }, work);
}

/** Ends the server before what it needs, and forgets the record only when all are gone. */
export async function endServer(root: string): Promise<void> {
  const record = await readRecord(root);
  if (record === undefined) return;
  for (const process of record.processes.toReversed()) {
    await endProcess(process, process.stopSignals, stopPatienceMs);
  }
  if (record.remnants !== undefined) await removeRemnants(record.remnants);
  await writeRecord(root, undefined);
}

/** Starts it in a session of its own, with all its output going to the log. */
export async function launch(command: Command, logPath: string): Promise<RunningProcess> {
  const log = await open(logPath, 'a', 0o600);
  try {
    const child = spawn(command.file, command.args, {
      cwd: command.cwd,
      env: { ...command.env },
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
    });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    child.once('spawn', resolve).once('error', reject);
    await promise;
    child.unref();
    const identity = child.pid === undefined ? undefined : identify(child.pid);
    if (identity === undefined) throw new Error(`${command.file} ended at once`);
    return { ...identity, role: command.role, stopSignals: command.stopSignals };
  } finally {
    await log.close();
  }
}

async function logEnd(logPath: string): Promise<string> {
  return lastLines(await readFile(logPath, 'utf8').catch(() => ''), 15);
}

/** Connects as a client until it works, the process ends, or the deadline passes. */
async function waitUntilReady(
  context: ServerContext,
  folder: ServerFolder,
  server: RunningProcess,
): Promise<void> {
  const { definition } = context;
  const { url } = definition.urls(folder);
  const deadline = Date.now() + definition.startDeadlineMs;
  for (;;) {
    context.signal.throwIfAborted();
    try {
      await definition.connect(url, probeTimeoutMs);
      return;
    } catch (cause) {
      const why = !isAlive(server)
        ? 'ended while starting'
        : Date.now() > deadline
          ? `does not answer after ${String(definition.startDeadlineMs / 1000)} s`
          : undefined;
      if (why !== undefined) throw new Error(`${definition.name} ${why}`, { cause });
    }
    await delay(50);
  }
}

async function launchAll(
  context: ServerContext,
  folder: ServerFolder,
  installation: Installation,
): Promise<RunningRecord> {
  const logPath = join(folder.root, 'server.log');
  const processes: RunningProcess[] = [];
  for (const command of context.definition.commands(installation, folder)) {
    processes.push(await launch(command, logPath));
    // Written after each, so that a kill between two leaves none unrecorded.
    await writeRecord(folder.root, { installation, processes });
  }
  return { installation, processes };
}

/** Starts the processes on prepared data; a failed start ends what it began. */
async function start(
  context: ServerContext,
  folder: ServerFolder,
  installation: Installation,
): Promise<RunningRecord> {
  const logPath = join(folder.root, 'server.log');
  const deadline = Date.now() + context.definition.startDeadlineMs;
  for (;;) {
    await rm(logPath, { force: true });
    await context.definition.prepare(installation, folder);
    const record = await launchAll(context, folder, installation);
    try {
      const server = record.processes.at(-1);
      if (server === undefined) throw new Error('the backend has no process');
      await waitUntilReady(context, folder, server);
      return record;
    } catch (cause) {
      await endServer(folder.root);
      const end = await logEnd(logPath);
      context.signal.throwIfAborted();
      const mayPass = context.definition.startAgainOn?.test(end) ?? false;
      if (!mayPass || Date.now() > deadline) {
        throw new Error(`cannot start ${context.definition.name}; its log ends with:\n${end}`, {
          cause,
        });
      }
      await delay(200);
    }
  }
}

async function adopt(context: ServerContext): Promise<StartedServer | undefined> {
  const record = await readRecord(context.root);
  const folder = await readFolder(context.root);
  if (record === undefined || folder === undefined) return undefined;
  if (record.processes.length === 0 || !record.processes.every(isAlive)) return undefined;
  try {
    await context.definition.connect(context.definition.urls(folder).url, probeTimeoutMs);
    return { folder, record, isAdopted: true };
  } catch {
    return undefined;
  }
}

async function wipe(context: ServerContext): Promise<void> {
  const others = (await usersOf(context.root)).pids.filter((pid) => pid !== process.pid);
  if (others.length > 0) {
    if (context.fresh === 'if-unused') return;
    throw new Error(
      `cannot wipe ${context.definition.name} in ${context.root}: process ${others.join(', ')} uses it`,
    );
  }
  await endServer(context.root);
  for (const name of ['data', 'data.new', 'settings.json']) {
    await rm(join(context.root, name), { recursive: true, force: true });
  }
}

/** Call under the folder's lock. */
export async function startOrAdopt(context: ServerContext): Promise<StartedServer> {
  if (context.fresh !== false) await wipe(context);
  const adopted = await adopt(context);
  if (adopted !== undefined) return adopted;

  await endServer(context.root);
  const installation = await context.findInstallation();
  const folder = await openFolder(context.root, context.definition);
  const record = await start(context, folder, installation);
  return { folder, record, isAdopted: false };
}

/** Call under the folder's lock. Same port, same data, whatever state the processes are in. */
export async function startAgain(
  context: ServerContext,
  previous: StartedServer,
): Promise<StartedServer> {
  await endServer(context.root);
  const { folder } = previous;
  const record = await start(context, folder, previous.record.installation);
  return { folder, record, isAdopted: false };
}
