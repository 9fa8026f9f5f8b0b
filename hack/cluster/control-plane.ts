/**
 * A real Kubernetes control plane on loopback: start or adopt, and stop.
 *
 * It belongs to a folder, like the backends: every process that uses it registers there, the last
 * one to leave ends it, a watcher ends it when all users were killed, and a new start first ends what
 * a killed one left, by pid and start time. Each start begins with empty storage, new keys and new
 * certificates, so nothing is ever half there. Needs no root, listens on loopback alone and writes
 * only into its folder.
 */
import { mkdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import type { Settings } from '../backends/backend.ts';
import {
  enter,
  leave,
  openFolder,
  readFolder,
  readRecord,
  serverRoot,
  usersOf,
  writeRecord,
  type RunningProcess,
  type RunningRecord,
} from '../backends/server-folder.ts';
import { endServer, launch, locked } from '../backends/server.ts';
import { isAlive } from '../backends/process-identity.ts';
import { ensureWatcher } from '../backends/watcher.ts';
import { findPrograms, type Tier } from './assets.ts';
import { installManifests } from './manifests.ts';
import { clusterFiles, writeIdentities, type ClusterFiles } from './pki.ts';
import {
  apiServer,
  controllerManager,
  etcd,
  portNames,
  scheduler,
  serverUrl,
  type ProgramSettings,
} from './programs.ts';
import { logFile, waitForAnswer, whyEnded, type Answering } from './readiness.ts';

export { NoPrograms, type Tier } from './assets.ts';

export interface ControlPlaneOptions {
  readonly tier: Tier;
  /** Holds one folder per cluster. */
  readonly stateDir: string;
  /** The cluster's folder in it; two names are two clusters. */
  readonly name?: string;
  /** Applied before any controller runs, so that none of them has to discover new kinds first. */
  readonly manifests?: readonly string[];
  /** Leaves it running when this process ends. */
  readonly keep?: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: (line: string) => void;
  readonly signal?: AbortSignal;
}

export interface ControlPlane {
  /** Path of the administrator's, with client certificate and authority inside. */
  readonly kubeconfig: string;
  readonly server: string;
  readonly caFile: string;
  readonly adminTokenFile: string;
  /** Path of the program. */
  readonly kubectl: string;
  readonly processes: readonly RunningProcess[];
  /** Stops using it; it ends when nobody else does. */
  stop(): Promise<void>;
}

/** Ports that were free a moment ago may be somebody's by now; then others are chosen. */
const startTriesMax = 3;

export function tierOf(record: RunningRecord): Tier {
  return record.processes.some(({ role }) => role === 'kube-controller-manager') ? 'b' : 'a';
}

class Start {
  readonly #options: ControlPlaneOptions;
  readonly #settings: ProgramSettings;
  readonly #processes: RunningProcess[] = [];

  constructor(options: ControlPlaneOptions, settings: ProgramSettings) {
    this.#options = options;
    this.#settings = settings;
  }

  async run(): Promise<RunningRecord> {
    const { files, ports, installation } = this.#settings;
    await writeIdentities(files, serverUrl(ports));
    await this.#launch(etcd);
    await this.#launch(apiServer);
    await this.#waitFor('/readyz');
    const kubectl = installation.programs['kubectl'] ?? '';
    await installManifests({
      kubectl,
      kubeconfig: files.kubeconfig,
      manifests: this.#options.manifests ?? [],
    });
    if (this.#options.tier === 'b') {
      await this.#launch(controllerManager);
      await this.#launch(scheduler);
      // Made by the controller manager once its controllers run; pods are refused before.
      await this.#waitFor('/api/v1/namespaces/default/serviceaccounts/default');
    }
    return { installation, processes: this.#processes };
  }

  async #launch(program: (settings: ProgramSettings) => ReturnType<typeof etcd>): Promise<void> {
    const command = program(this.#settings);
    const { root } = this.#settings.files;
    try {
      this.#processes.push(await launch(command, logFile(root, command.role)));
    } catch (cause) {
      throw new Error(await whyEnded(root, command.role), { cause });
    }
    // Written after each, so that a kill between two leaves none unrecorded.
    const { installation } = this.#settings;
    await writeRecord(root, { installation, processes: this.#processes });
  }

  async #waitFor(path: string): Promise<void> {
    const { files, ports } = this.#settings;
    const answering: Answering = { files, server: serverUrl(ports), processes: this.#processes };
    await waitForAnswer(answering, path, this.#options.signal);
  }
}

const perishable = [
  'etcd',
  'pki',
  'logs',
  'volume-plugins',
  'kubeconfig',
  'kubeconfig.cache',
  'admin-token',
];

/** What an earlier start left, except the settings with their ports. */
async function wipe(files: ClusterFiles): Promise<void> {
  for (const name of perishable) {
    await rm(join(files.root, name), { recursive: true, force: true });
  }
  await mkdir(join(files.root, 'logs'), { recursive: true, mode: 0o700 });
}

async function start(options: ControlPlaneOptions, root: string): Promise<RunningRecord> {
  const { env, log, tier } = options;
  const signal = options.signal ?? new AbortController().signal;
  const installation = await findPrograms(tier, { env, log, signal });
  const files = clusterFiles(root);
  for (let tries = 1; ; tries++) {
    await endServer(root);
    await wipe(files);
    const folder = await openFolder(root, { portNames, secretNames: [] });
    try {
      return await new Start(options, {
        installation,
        files,
        ports: folder.settings.ports,
      }).run();
    } catch (error) {
      await endServer(root);
      const isTaken = error instanceof Error && error.message.includes('address already in use');
      if (!isTaken || tries === startTriesMax) throw error;
      await rm(join(root, 'settings.json'), { force: true });
    }
  }
}

interface Found {
  readonly record: RunningRecord;
  readonly ports: Settings['ports'];
}

/** A running cluster that does at least what is asked for. */
async function running(root: string, tier: Tier): Promise<Found | undefined> {
  const record = await readRecord(root);
  const folder = await readFolder(root);
  if (record === undefined || folder === undefined) return undefined;
  const isWhole = record.processes.length >= (tierOf(record) === 'b' ? 4 : 2);
  if (!isWhole || !record.processes.every(isAlive)) return undefined;

  const { pids, kept } = await usersOf(root);
  const isUsed = kept || pids.some((pid) => pid !== process.pid);
  if (tier === 'b' && tierOf(record) === 'a') {
    if (!isUsed) return undefined;
    throw new Error(
      `the cluster in ${root} runs as tier a and is in use: end it first, or take another name`,
    );
  }
  const { ports } = folder.settings;
  const { processes } = record;
  const answering: Answering = { files: clusterFiles(root), server: serverUrl(ports), processes };
  await waitForAnswer(answering, '/readyz');
  return { record, ports };
}

/** Call under the folder's lock. */
async function startOrAdopt(options: ControlPlaneOptions, root: string): Promise<Found> {
  const found = await running(root, options.tier);
  if (found !== undefined) {
    options.log(`already running on ${serverUrl(found.ports)}`);
    const kubectl = found.record.installation.programs['kubectl'] ?? '';
    const manifests = options.manifests ?? [];
    await installManifests({ kubectl, kubeconfig: clusterFiles(root).kubeconfig, manifests });
    return found;
  }
  const startedAt = performance.now();
  const record = await start(options, root);
  const folder = await readFolder(root);
  if (folder === undefined) throw new Error(`the settings in ${root} are gone`);
  const { ports } = folder.settings;
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  const { version } = record.installation;
  options.log(`${version}, tier ${options.tier}, on ${serverUrl(ports)}, ready in ${seconds} s`);
  return { record, ports };
}

function controlPlane(root: string, user: string, { record, ports }: Found): ControlPlane {
  const { kubeconfig, caFile, adminTokenFile } = clusterFiles(root);
  return {
    kubeconfig,
    caFile,
    adminTokenFile,
    server: serverUrl(ports),
    kubectl: record.installation.programs['kubectl'] ?? '',
    processes: record.processes,
    async stop() {
      await locked(root, async () => {
        await leave(root, user);
        const { pids, kept } = await usersOf(root);
        if (pids.length === 0 && !kept) await endServer(root);
      });
    },
  };
}

export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const stateDir = resolve(options.stateDir);
  const root = serverRoot(stateDir, options.name ?? 'cluster');
  await mkdir(root, { recursive: true, mode: 0o700 });
  const user = await enter(root, false);
  try {
    await ensureWatcher(stateDir);
    const found = await locked(root, async () => {
      const ready = await startOrAdopt(options, root);
      // Not before: a start that is killed half-way must be ended by the watcher.
      if (options.keep === true) await leave(root, await enter(root, true));
      return ready;
    });
    return controlPlane(root, user, found);
  } catch (error) {
    await leave(root, user);
    throw error;
  }
}
