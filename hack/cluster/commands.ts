/** What each command of `npm run cluster` does. Results go to standard output, the rest to error. */
import { spawn } from 'node:child_process';
import { readdir, readFile, rm, rmdir } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';

import { lastLines } from '../backends/command.ts';
import { isAlive } from '../backends/process-identity.ts';
import {
  readFolder,
  readRecord,
  releaseKept,
  serverRoot,
  usersOf,
} from '../backends/server-folder.ts';
import { endServer, locked } from '../backends/server.ts';
import type { Tier } from './assets.ts';
import { ownBinaries } from './build.ts';
import { startControlPlane } from './control-plane.ts';
import { canRunNode } from './host.ts';
import { crdManifests, kubectlEnvironment } from './manifests.ts';
import { findNodePrograms } from './node-programs.ts';
import { loadImage } from './node.ts';
import { clusterFiles } from './pki.ts';
import { serverUrl } from './programs.ts';
import { logFile } from './readiness.ts';
import { recordedNetwork } from './start.ts';
import { tierOf } from './tiers.ts';

/** Said to the person who typed the command, without a stack. */
export class ClusterProblem extends Error {}

export interface Place {
  readonly stateDir: string;
  readonly name: string;
}

const shownLines = 20;

function say(line: string): void {
  console.error(line);
}

/** Ctrl-C gives up a start in the orderly way: what was begun is ended. */
function interruption(): AbortSignal {
  const interrupted = new AbortController();
  process.once('SIGINT', () => interrupted.abort(new ClusterProblem('interrupted')));
  process.once('SIGTERM', () => interrupted.abort(new ClusterProblem('terminated')));
  return interrupted.signal;
}

export async function build(tier: Tier): Promise<void> {
  const options = { env: process.env, log: say, signal: interruption() };
  const { folder, isBuilt } = await ownBinaries(options);
  if (tier === 'd') await findNodePrograms(options);
  say(isBuilt ? 'built' : 'nothing to do: built before');
  console.log(folder);
}

export interface UpOptions {
  readonly tier: Tier;
  readonly autoscalerPeriodSeconds?: number | undefined;
}

export async function up({ stateDir, name }: Place, options: UpOptions): Promise<void> {
  const { tier, autoscalerPeriodSeconds } = options;
  if (tier !== 'd' && autoscalerPeriodSeconds !== undefined) {
    throw new ClusterProblem(`autoscalers of tier ${tier} look every second, always`);
  }
  const why = tier === 'd' ? await canRunNode() : undefined;
  if (why !== undefined) throw new ClusterProblem(why);
  const plane = await startControlPlane({
    tier,
    stateDir,
    name,
    keep: true,
    manifests: await crdManifests(),
    env: process.env,
    log: (line) => say(`${name}: ${line}`),
    signal: interruption(),
    ...(autoscalerPeriodSeconds === undefined ? {} : { autoscalerPeriodSeconds }),
  });
  // It is kept, so this ends nothing; it only stops counting this process among its users.
  await plane.stop();
  say(
    `${name}: the CRDs of Millrace are installed; end it with: npm run cluster -- down --name ${name}`,
  );
  console.log(plane.kubeconfig);
}

/** Puts the images of an OCI archive into a cluster's node. */
export async function loadImages({ stateDir, name }: Place, file: string): Promise<void> {
  const record = await readRecord(serverRoot(stateDir, name));
  if (record === undefined || tierOf(record) !== 'd') {
    throw new ClusterProblem(
      `${name} has no node; start one with: npm run cluster -- up --tier d --name ${name}`,
    );
  }
  for (const image of await loadImage(record, file)) console.log(image);
}

/** The clusters that have a folder, running or not. */
export async function clusterNames(stateDir: string): Promise<readonly string[]> {
  const entries = await readdir(stateDir, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}

/** Ends it and removes all that it wrote, unless another process uses it. */
export async function down({ stateDir, name }: Place): Promise<void> {
  const root = serverRoot(stateDir, name);
  if (!(await clusterNames(stateDir)).includes(name)) {
    say(`${name}: nothing there`);
    return;
  }
  const isGone = await locked(root, async () => {
    await releaseKept(root);
    const { pids } = await usersOf(root);
    if (pids.length > 0) {
      say(`${name}: left running for process ${pids.join(', ')}`);
      return false;
    }
    await endServer(root);
    // All but the lock that is held: somebody may be waiting for it to start a new cluster here.
    for (const entry of await readdir(root)) {
      if (!entry.startsWith('lock')) await rm(join(root, entry), { recursive: true, force: true });
    }
    return true;
  });
  if (!isGone) return;
  await rmdir(root).catch(() => undefined);
  say(`${name}: ended`);
}

export async function status(stateDir: string): Promise<void> {
  const names = await clusterNames(stateDir);
  if (names.length === 0) say('no cluster; start one with: npm run cluster -- up');
  for (const name of names) {
    const root = serverRoot(stateDir, name);
    const record = await readRecord(root);
    const folder = await readFolder(root);
    if (record === undefined || folder === undefined) {
      console.log(`${name}: not running`);
      continue;
    }
    const { pids, kept } = await usersOf(root);
    const users = [...pids.map((pid) => `process ${String(pid)}`), ...(kept ? ['until down'] : [])];
    const processes = record.processes.map(
      (process) => `${process.role} ${isAlive(process) ? String(process.pid) : 'ENDED'}`,
    );
    console.log(
      `${name}: ${record.installation.version}, tier ${tierOf(record)}, on ` +
        `${serverUrl(recordedNetwork(record), folder.settings.ports)} (${processes.join(', ')}; used by ` +
        `${users.join(', ') || 'nobody'})\n  ${clusterFiles(root).kubeconfig}`,
    );
  }
}

/** One program's whole log, or the end of each. */
export async function logs({ stateDir, name }: Place, program?: string): Promise<void> {
  const root = serverRoot(stateDir, name);
  const files = await readdir(join(root, 'logs')).catch((): string[] => []);
  const programs = files.map((file) => file.replace(/\.log$/, ''));
  if (programs.length === 0) throw new ClusterProblem(`${name} has no logs in ${root}`);
  if (program !== undefined) {
    if (!programs.includes(program)) {
      throw new ClusterProblem(`${name} runs no ${program}, only ${programs.join(', ')}`);
    }
    process.stdout.write(await readFile(logFile(root, program)));
    return;
  }
  for (const each of programs) {
    const text = await readFile(logFile(root, each), 'utf8');
    console.log(`==> ${logFile(root, each)}\n${lastLines(text, shownLines)}\n`);
  }
}

/** Hands everything through; resolves to its exit code. */
export async function kubectl({ stateDir, name }: Place, args: readonly string[]): Promise<number> {
  const root = serverRoot(stateDir, name);
  const record = await readRecord(root);
  const file = record?.installation.programs['kubectl'];
  if (file === undefined) {
    throw new ClusterProblem(
      `${name} is not running; start it with: npm run cluster -- up --name ${name}`,
    );
  }
  const { kubeconfig } = clusterFiles(root);
  const child = spawn(file, args, {
    stdio: 'inherit',
    env: { ...process.env, ...kubectlEnvironment(kubeconfig) },
  });
  // Ctrl-C reaches kubectl by itself; this process waits for what it makes of it.
  process.on('SIGINT', () => undefined);
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  child.once('error', reject);
  child.once('exit', (code, signal) =>
    resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])),
  );
  return promise;
}
