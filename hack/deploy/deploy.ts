/** The steps of `npm run deploy`, in order; each says what it did and how long it took. */
import { chmod } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NoNode, startCluster, type Cluster } from '../cluster/node.ts';
import { apply, applyClaim, helm, kubectl, type Tools } from '../e2e/commands.ts';
import { folderClaim } from '../e2e/fixtures.ts';
import { buildImage, imageNames } from '../images/build.ts';
import { ensureSample, sampleRows } from '../play/sample.ts';
import { goTool } from '../tools/go-tool.ts';
import { hostSide } from './backends.ts';

export interface DeployOptions {
  /** Of the cluster. */
  readonly name: string;
  /** Holds one folder per cluster. */
  readonly stateDir: string;
  /** After ours, so that they win. */
  readonly helmArgs: readonly string[];
}

const root = fileURLToPath(new URL('../..', import.meta.url));
const chart = join(root, 'charts', 'millrace');
const release = 'millrace';
const systemNamespace = 'millrace-system';
/** Where the examples go unless told otherwise. */
const namespace = 'default';
const installTimeoutMs = 180_000;

function say(line: string): void {
  console.error(line);
}

async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const startedMs = performance.now();
  const result = await work();
  say(`${what}: ${((performance.now() - startedMs) / 1_000).toFixed(1)} s`);
  return result;
}

export async function deploy(options: DeployOptions): Promise<void> {
  const stateDir = resolve(options.stateDir);
  const cluster = await clusterOf(options.name, stateDir);
  try {
    const helmProgram = await goTool({ name: 'helm', env: process.env, log: say });
    const tools: Tools = {
      kubeconfig: cluster.kubeconfig,
      kubectl: cluster.kubectl,
      helm: helmProgram,
      cacheDir: `${cluster.kubeconfig}.cache`,
    };
    const digest = await timed('images', async () => loadImages(cluster));
    await timed('backends', async () => surroundings(tools, cluster, dirname(stateDir)));
    await timed('chart', async () => install(tools, options.helmArgs, digest));
    printNextSteps(tools, options.name);
  } finally {
    await cluster.stop();
  }
}

/** That of `npm run cluster -- up --tier d`; started as that does when it is not there. */
async function clusterOf(name: string, stateDir: string): Promise<Cluster> {
  try {
    return await startCluster({
      tier: 'd',
      stateDir,
      name,
      keep: true,
      env: process.env,
      log: (line) => say(`${name}: ${line}`),
    });
  } catch (error) {
    if (!(error instanceof NoNode)) throw error;
    const message = `${error.message}. With a cluster of your own: npm run images, push both, and helm install (charts/millrace)`;
    throw new Error(message, { cause: error });
  }
}

/** The digest of the operator's: with the same tag a new content must restart it. */
async function loadImages(cluster: Cluster): Promise<string> {
  let operatorDigest = '';
  for (const image of imageNames) {
    const { file, digest } = await buildImage({ image, log: say });
    await cluster.loadImage(file);
    if (image === 'operator') operatorDigest = digest;
  }
  return operatorDigest;
}

/** What the examples name. */
async function surroundings(tools: Tools, cluster: Cluster, folder: string): Promise<void> {
  const { backends } = await hostSide({
    stateDir: join(folder, 'deploy'),
    hostAddress: cluster.hostAddress,
    env: process.env,
  });
  const data = join(folder, 'deploy', 'volumes', 'data');
  const file = join(data, 'users.csv');
  await ensureSample(file, {
    rows: sampleRows,
    log: say,
    signal: AbortSignal.timeout(installTimeoutMs),
  });
  // Pods are nobody whom this host knows.
  await chmod(data, 0o755);
  await chmod(file, 0o644);
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'millrace-backends', namespace },
    stringData: backends,
  };
  await apply(tools, [secret]);
  const claim = { namespace, name: 'data' };
  await applyClaim(tools, { ...claim, objects: folderClaim({ ...claim, folder: data }) });
}

async function install(tools: Tools, more: readonly string[], digest: string): Promise<void> {
  const place = ['--namespace', systemNamespace, '--create-namespace'];
  // The definitions may be there already: `npm run cluster -- up` brings them.
  const ways = ['--install', '--take-ownership', '--wait', '--timeout', '2m'];
  const own = ['--set-string', `podAnnotations.millrace\\.dev/image-digest=${digest}`];
  const args = ['upgrade', release, chart, ...place, ...ways, ...own, ...more];
  try {
    await helm(tools, args, { timeoutMs: installTimeoutMs });
  } catch (error) {
    say(await kubectl(tools, ['get', 'pods', '-n', systemNamespace]).catch(() => ''));
    throw error;
  }
}

function printNextSteps({ kubeconfig, kubectl: program }: Tools, name: string): void {
  const named = name === 'default' ? '' : ` --name ${name}`;
  console.log(`
export KUBECONFIG=${kubeconfig}
export PATH=${dirname(program)}:$PATH

kubectl apply -f crds/examples/csv-import.yaml
kubectl wait --for=condition=Complete csvimport/users --timeout=2m
kubectl get millrace,hpa,pods

npm run cluster -- down${named}        # ends it and what belongs to it`);
}
