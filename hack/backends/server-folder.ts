/**
 * One backend's folder in the state folder: its ports and passwords, which processes run, and who
 * uses them. All of it is plain files, because the processes that share a server have nothing else
 * in common and any of them may be killed at any point.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';

import type { Installation, ServerFolder, Settings } from './backend.ts';
import type { Remnants } from './remnants.ts';
import { isAlive, ownIdentity, type ProcessIdentity } from './process-identity.ts';

export interface RunningProcess extends ProcessIdentity {
  readonly role: string;
  readonly stopSignals: readonly NodeJS.Signals[];
}

/** What runs; the last process is the server, the ones before it are what it needs. */
export interface RunningRecord {
  readonly installation: Installation;
  readonly processes: readonly RunningProcess[];
  /** What the kernel keeps of processes that had namespaces of their own; removed after them. */
  readonly remnants?: Remnants;
}

/** A user without a process is the mark that `keep` leaves: it uses the server until it is removed. */
const keptUser = 'kept';

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Renaming a finished file into place means that a reader never sees half of it. */
async function writeJson(path: string, value: unknown): Promise<void> {
  const draft = `${path}.${randomUUID()}`;
  await writeFile(draft, JSON.stringify(value, undefined, 2), { mode: 0o600 });
  await rename(draft, path);
}

async function isFree(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const probe = createServer();
  probe.once('error', () => resolve(false));
  probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  return promise;
}

/** All ports are held at once while choosing, so that they differ from each other. */
async function freePorts(names: readonly string[]): Promise<Record<string, number>> {
  const ports: Record<string, number> = {};
  const probes = [];
  for (const name of names) {
    const probe = createServer();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', resolve);
    await promise;
    const address = probe.address();
    if (address === null || typeof address === 'string') throw new Error('no port was given');
    ports[name] = address.port;
    probes.push(probe);
  }
  for (const probe of probes) {
    const { promise, resolve } = Promise.withResolvers<void>();
    probe.close(() => resolve());
    await promise;
  }
  return ports;
}

export interface SettingsNames {
  readonly portNames: readonly string[];
  readonly secretNames: readonly string[];
}

export function serverRoot(stateDir: string, name: string): string {
  return join(stateDir, name);
}

/** The folder with its settings, made on first use; ports that somebody else took are replaced. */
export async function openFolder(root: string, names: SettingsNames): Promise<ServerFolder> {
  await mkdir(root, { recursive: true, mode: 0o700 });
  await chmod(root, 0o700);
  const path = join(root, 'settings.json');
  const kept = (await readJson(path)) as Settings | undefined;
  const isUsable =
    kept !== undefined && (await Promise.all(Object.values(kept.ports).map(isFree))).every(Boolean);
  const secrets = Object.fromEntries(
    names.secretNames.map((name) => [name, randomBytes(18).toString('hex')]),
  );
  const settings: Settings = {
    ports: isUsable ? kept.ports : await freePorts(names.portNames),
    secrets: kept?.secrets ?? secrets,
  };
  if (!isUsable) await writeJson(path, settings);
  return { root, data: join(root, 'data'), settings };
}

/** The folder as it was last used, without choosing anything anew. */
export async function readFolder(root: string): Promise<ServerFolder | undefined> {
  const settings = (await readJson(join(root, 'settings.json'))) as Settings | undefined;
  return settings === undefined ? undefined : { root, data: join(root, 'data'), settings };
}

export async function readRecord(root: string): Promise<RunningRecord | undefined> {
  return (await readJson(join(root, 'running.json'))) as RunningRecord | undefined;
}

export async function writeRecord(root: string, record: RunningRecord | undefined): Promise<void> {
  const path = join(root, 'running.json');
  if (record === undefined) await rm(path, { force: true });
  else await writeJson(path, record);
}

/** Registers this process as a user; returns the name to leave with. */
export async function enter(root: string, keep: boolean): Promise<string> {
  const users = join(root, 'users');
  await mkdir(users, { recursive: true, mode: 0o700 });
  const user = `${String(process.pid)}-${randomUUID()}`;
  await writeJson(join(users, user), ownIdentity());
  if (keep) await writeFile(join(users, keptUser), '');
  return user;
}

export async function leave(root: string, user: string): Promise<void> {
  await rm(join(root, 'users', user), { force: true });
}

/** Takes back the mark of `keep`, so that the last user ends the server again. */
export async function releaseKept(root: string): Promise<void> {
  await rm(join(root, 'users', keptUser), { force: true });
}

/** The pids of living users, and whether the server is kept without any. */
export async function usersOf(root: string): Promise<{ pids: readonly number[]; kept: boolean }> {
  const users = join(root, 'users');
  const pids: number[] = [];
  let kept = false;
  for (const name of await readdir(users).catch((): string[] => [])) {
    if (name === keptUser) {
      kept = true;
      continue;
    }
    // A draft of a file that is about to be renamed belongs to a user that is about to appear.
    if (name.split('.').length > 1) continue;
    const identity = (await readJson(join(users, name))) as ProcessIdentity | undefined;
    if (identity === undefined) continue;
    if (isAlive(identity)) pids.push(identity.pid);
    else await rm(join(users, name), { force: true });
  }
  return { pids, kept };
}
