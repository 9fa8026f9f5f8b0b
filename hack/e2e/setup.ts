/**
 * Once for the suite: both images, a cluster of tier D with nothing of ours in it, and backends on
 * this host. Everything lives below one folder of the state folder and is ended with the suite.
 *
 * Images and backends are made ready while the cluster starts: both wait more than they compute.
 */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { S3Settings } from '@millrace/runtimes/connectors/s3/client';
import type { TestProject } from 'vitest/node';
import { startCluster, type Cluster } from '../cluster/node.ts';
import { buildImage, imageNames } from '../images/build.ts';
import { backendsSecret } from '../play/backends-secret.ts';
import { playSecrets } from '../play/state/secrets.ts';
import { goTool } from '../tools/go-tool.ts';
import { filesFolder, suiteFolder } from './folders.ts';
import { reachableAt, startLocalBackends, type Backends } from './host-backends.ts';
import type { ProvidedSuite } from './provided.ts';

function say(line: string): void {
  console.error(line);
}

async function images(): Promise<readonly string[]> {
  const out = join(suiteFolder, 'images');
  const built: string[] = [];
  for (const image of imageNames) built.push((await buildImage({ image, out, log: say })).file);
  return built;
}

async function cluster(): Promise<Cluster> {
  return startCluster({
    tier: 'd',
    stateDir: suiteFolder,
    env: process.env,
    log: (line) => say(`cluster: ${line}`),
  });
}

async function localBackends(): Promise<Backends> {
  return startLocalBackends({
    stateDir: join(suiteFolder, 'backends'),
    env: environment(),
    // Whoever keeps servers in this folder between runs wants to look at them.
    fresh: 'if-unused',
    log: say,
  });
}

/** Without the variables that name a developer's own servers: a suite is nothing for these. */
function environment(): Readonly<Record<string, string | undefined>> {
  const given = Object.entries(process.env).filter(
    ([name]) => !/^MILLRACE_.*_(URL|ENDPOINT)$/.test(name),
  );
  return Object.fromEntries(given);
}

/** The name vitest looks for; returns what runs at the end. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  await rm(filesFolder, { recursive: true, force: true });
  await mkdir(filesFolder, { recursive: true });
  const stack = new AsyncDisposableStack();
  try {
    project.provide('suite', await prepare(stack));
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
  return async () => stack.disposeAsync();
}

async function prepare(stack: AsyncDisposableStack): Promise<ProvidedSuite> {
  const [helm, files, node, local] = await Promise.all([
    goTool({ name: 'helm', env: process.env, log: say }),
    images(),
    cluster().then((started) => stack.use(started)),
    localBackends(),
  ]);
  const backends = stack.use(await reachableAt(node.hostAddress, local));
  for (const file of files) await node.loadImage(file);
  const postgres = backends.local.get('postgres');
  const url = postgres?.url ?? '';
  const keys = await playSecrets(join(suiteFolder, 'secrets.json'), {});
  const secret = backendsSecret('', backends.forPods, { ...keys });
  return {
    tools: {
      kubeconfig: node.kubeconfig,
      kubectl: node.kubectl,
      helm,
      cacheDir: join(suiteFolder, 'cache'),
    },
    hostAddress: node.hostAddress,
    postgres: { url, ownerUrl: postgres?.extra.ownerUrl ?? url },
    store: storeOf(backends.local),
    backends: secret['stringData'] as Readonly<Record<string, string>>,
    folder: filesFolder,
  };
}

function storeOf(local: Backends): S3Settings {
  const store = local.get('s3');
  if (store?.extra.s3 === undefined) throw new Error('the S3 store was not started');
  return { endpoint: store.url, ...store.extra.s3 };
}
