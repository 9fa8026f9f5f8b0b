/**
 * Builds the programs of a Kubernetes control plane and of a node from Go modules, once, into the
 * cache outside the tree.
 *
 * One binary is all of them; the name it is called by chooses (see kube/main.go). The cache's key is
 * made of the sources, the flags and the Go version, so nothing stale is ever used. go.mod and go.sum
 * pin every byte and are never changed by a build. A build that is killed leaves nothing behind, and
 * of two at once the second waits for the first.
 */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { cacheDirectory, cached } from '../backends/cache.ts';
import { findProgram, run } from '../backends/command.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export const programNames = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kubectl',
  'kubelet',
  'kube-proxy',
] as const;
export type ProgramName = (typeof programNames)[number];

export interface BuildOptions {
  readonly env: Environment;
  readonly log: (line: string) => void;
  readonly signal: AbortSignal;
}

/** A folder with all programs in it. */
export interface Binaries {
  readonly folder: string;
  readonly isBuilt: boolean;
}

const sources = fileURLToPath(new URL('kube', import.meta.url));
/** A slow laptop with a slow line is not a failure; a hang must end some day. */
const buildDeadlineMs = 60 * 60_000;
const progressPeriodMs = 10_000;

async function kubernetesVersion(): Promise<string> {
  const text = await readFile(join(sources, 'go.mod'), 'utf8');
  const version = /^\s*k8s\.io\/kubernetes (v\S+)/m.exec(text)?.[1];
  if (version === undefined) throw new Error('kube/go.mod requires no k8s.io/kubernetes');
  return version;
}

/** Without `gitVersion` the server calls itself v0.0.0, and clients that look at it go wrong. */
function buildArguments(version: string): readonly string[] {
  const [major = '', minor = ''] = version.replace('v', '').split('.');
  const set = (name: string, value: string): string =>
    `-X k8s.io/component-base/version.git${name}=${value}`;
  const flags = ['-s -w', set('Version', version), set('Major', major), set('Minor', minor)];
  return ['-trimpath', '-buildvcs=false', '-tags=providerless', `-ldflags=${flags.join(' ')}`];
}

/** The part of the key that does not need Go to be known. */
async function sourceKey(): Promise<string> {
  const hash = createHash('sha256');
  for (const name of ['go.mod', 'go.sum', 'main.go']) {
    hash.update(await readFile(join(sources, name)));
  }
  hash.update(buildArguments(await kubernetesVersion()).join('\n'));
  const system = `${process.platform}-${process.arch}`;
  return `kube-${await kubernetesVersion()}-${system}-${hash.digest('hex').slice(0, 12)}`;
}

export function goEnvironment(env: Environment): Environment {
  // A work file or flags of the user's own could change what is built, or go.sum.
  return { ...env, CGO_ENABLED: '0', GOFLAGS: '-mod=readonly', GOWORK: 'off' };
}

interface Progress {
  step: string;
  count: number;
  total: number | undefined;
}

/** Says now and then what goes on; the counts are exact, and no time is foretold from them. */
function report(progress: Progress, log: (line: string) => void): Disposable {
  const startedAt = performance.now();
  const timer = setInterval(() => {
    const seconds = Math.round((performance.now() - startedAt) / 1000);
    // What Go has in its own cache is not compiled again, so the total is only a bound.
    const of = progress.total === undefined ? '' : ` of at most ${String(progress.total)}`;
    log(`${progress.step}: ${String(progress.count)}${of}, ${String(seconds)} s`);
  }, progressPeriodMs);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

async function build(go: string, folder: string, options: BuildOptions): Promise<void> {
  const { log, signal } = options;
  // Beside the result, so that what a killed build leaves is removed with it.
  const scratch = join(folder, 'tmp');
  await mkdir(scratch);
  const env = { ...goEnvironment(options.env), GOTMPDIR: scratch };
  const common = { cwd: sources, env, signal, timeoutMs: buildDeadlineMs };
  const version = await kubernetesVersion();
  log(
    `building Kubernetes ${version} from Go modules, once for this host: a download of 600 MB, then ` +
      'about four minutes on two cores (less where Go has some of it in its cache)',
  );
  const progress: Progress = { step: 'modules downloaded', count: 0, total: undefined };
  using _ = report(progress, log);
  const counted = (line: string): void => {
    if (line.startsWith('go: downloading')) progress.count += 1;
  };
  const packages = await run(go, ['list', '-deps', '.'], { ...common, onLine: counted });

  progress.step = 'packages compiled';
  progress.count = 0;
  progress.total = packages.trim().split('\n').length;
  const target = ['-v', '-o', join(folder, 'kube'), '.'];
  const compiled = (): void => {
    progress.count += 1;
  };
  await run(go, ['build', ...buildArguments(version), ...target], { ...common, onLine: compiled });
  await rm(scratch, { recursive: true });
  for (const name of programNames) await symlink('kube', join(folder, name));
  const answer = await run(join(folder, 'kube-apiserver'), ['--version'], common);
  if (!answer.includes(version)) throw new Error(`the build calls itself ${answer.trim()}`);
}

/** What an earlier build left, whichever Go made it; for hosts that have no Go themselves. */
async function leftBinaries(env: Environment): Promise<string | undefined> {
  const key = await sourceKey();
  const names = await readdir(cacheDirectory(env)).catch((): string[] => []);
  const found = names.filter((name) => name.startsWith(key) && !name.includes('.lock'));
  const name = found.toSorted().at(-1);
  return name === undefined ? undefined : join(cacheDirectory(env), name);
}

/** The folder with all programs: from the cache, or built into it now. */
export async function ownBinaries(options: BuildOptions): Promise<Binaries> {
  const { env, log, signal } = options;
  const go = await findProgram('go', env);
  if (go === undefined) {
    const folder = await leftBinaries(env);
    if (folder === undefined)
      throw new Error('the cache has none, and there is no `go` on the PATH');
    return { folder, isBuilt: false };
  }
  const goVersion = (await run(go, ['env', 'GOVERSION'], { env, cwd: sources })).trim();
  const name = `${await sourceKey()}-${goVersion}`;
  let isBuilt = false;
  const entry = { cacheDir: cacheDirectory(env), name, log, signal, waitMs: buildDeadlineMs };
  const folder = await cached(entry, async (draft) => {
    await build(go, draft, options);
    isBuilt = true;
  });
  return { folder, isBuilt };
}
