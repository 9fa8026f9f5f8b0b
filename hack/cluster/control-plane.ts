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

import type { Installation } from '../backends/backend.ts';
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
import { endServer, locked } from '../backends/server.ts';
import { isAlive } from '../backends/process-identity.ts';
import { ensureWatcher } from '../backends/watcher.ts';
import { findPrograms, type Tier } from './assets.ts';
import { installManifests } from './manifests.ts';
import { withKwok } from './kwok.ts';
import { ownFolders, takeNumber } from './namespaces.ts';
import { loopback, type Network } from './network.ts';
import { findNodePrograms } from './node-programs.ts';
import { clusterFiles, type ClusterFiles } from './pki.ts';
import { portNames, serverUrl } from './programs.ts';
import { waitForAnswer } from './readiness.ts';
import { recordedNetwork, Start } from './start.ts';
import { covers, rolesOf, tierOf } from './tiers.ts';

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
  /** Tier d alone: how often autoscalers look, if not every 15 seconds as in a cluster anywhere. */
  readonly autoscalerPeriodSeconds?: number;
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
  readonly record: RunningRecord;
  /** Stops using it; it ends when nobody else does. */
  stop(): Promise<void>;
}

/** Ports that were free a moment ago may be somebody's by now; then others are chosen. */
const startTriesMax = 3;

const perishable = [
  'etcd',
  'fake-nodes.json',
  'node',
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

/** On the host's own address, or with a number and a network of its own. */
async function openNetwork(tier: Tier, root: string, installation: Installation): Promise<Network> {
  if (tier !== 'd') return loopback;
  const network = await takeNumber();
  const { controlGroup, link } = network.node;
  await writeRecord(root, { installation, processes: [], remnants: { controlGroup, link } });
  return network;
}

async function start(options: ControlPlaneOptions, root: string): Promise<RunningRecord> {
  const { env, log, tier } = options;
  const signal = options.signal ?? new AbortController().signal;
  const search = { env, log, signal };
  const found = await findPrograms(tier, search);
  const installation = tier === 'c' ? await withKwok(found, search) : found;
  const nodePrograms = tier === 'd' ? await findNodePrograms(search) : undefined;
  const files = clusterFiles(root);
  for (let tries = 1; ; tries++) {
    await endServer(root);
    await wipe(files);
    const folder = await openFolder(root, { portNames, secretNames: [] });
    try {
      const network = await openNetwork(tier, root, installation);
      const { ports } = folder.settings;
      const { autoscalerPeriodSeconds } = options;
      const settings = {
        installation,
        files,
        ports,
        network,
        ...(autoscalerPeriodSeconds === undefined ? {} : { autoscalerPeriodSeconds }),
      };
      return await new Start(options, settings, nodePrograms).run();
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
  readonly server: string;
}

/** A running cluster that does at least what is asked for. */
async function running(root: string, tier: Tier): Promise<Found | undefined> {
  const record = await readRecord(root);
  const folder = await readFolder(root);
  if (record === undefined || folder === undefined) return undefined;
  const isWhole = record.processes.length >= rolesOf[tierOf(record)].length;
  if (!isWhole || !record.processes.every(isAlive)) return undefined;

  const { pids, kept } = await usersOf(root);
  const isUsed = kept || pids.some((pid) => pid !== process.pid);
  if (!covers(tierOf(record), tier)) {
    if (!isUsed) return undefined;
    throw new Error(
      `the cluster in ${root} runs as tier ${tierOf(record)} and is in use: end it first, or take another name`,
    );
  }
  const { processes } = record;
  const server = serverUrl(recordedNetwork(record), folder.settings.ports);
  await waitForAnswer({ files: clusterFiles(root), server, processes }, '/readyz');
  return { record, server };
}

/** Call under the folder's lock. */
async function startOrAdopt(options: ControlPlaneOptions, root: string): Promise<Found> {
  const found = await running(root, options.tier);
  if (found !== undefined) {
    options.log(`already running on ${found.server}`);
    const kubectl = found.record.installation.programs['kubectl'] ?? '';
    const manifests = options.manifests ?? [];
    await installManifests({ kubectl, kubeconfig: clusterFiles(root).kubeconfig, manifests });
    return found;
  }
  const startedAt = performance.now();
  const record = await start(options, root);
  const folder = await readFolder(root);
  if (folder === undefined) throw new Error(`the settings in ${root} are gone`);
  const server = serverUrl(recordedNetwork(record), folder.settings.ports);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  const { version } = record.installation;
  options.log(`${version}, tier ${options.tier}, on ${server}, ready in ${seconds} s`);
  return { record, server };
}

function controlPlane(root: string, user: string, { record, server }: Found): ControlPlane {
  const { kubeconfig, caFile, adminTokenFile } = clusterFiles(root);
  return {
    kubeconfig,
    caFile,
    adminTokenFile,
    server,
    kubectl: record.installation.programs['kubectl'] ?? '',
    processes: record.processes,
    record,
    async stop() {
      await locked(root, async () => {
        await leave(root, user);
        const { pids, kept } = await usersOf(root);
        if (pids.length === 0 && !kept) await endServer(root);
      });
    },
  };
}

/** A node has its own of these, so a cluster's folder below them would be two folders. */
function refuseHidden(stateDir: string): void {
  const place = ownFolders.find((own) => `${stateDir}/`.startsWith(`${own}/`));
  if (place === undefined) return;
  throw new Error(`a node has a ${place} of its own: keep its clusters elsewhere than ${stateDir}`);
}

export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const stateDir = resolve(options.stateDir);
  if (options.tier === 'd') refuseHidden(stateDir);
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
