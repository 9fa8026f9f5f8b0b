/**
 * What a node needs beside Kubernetes itself: containerd, runc, CNI and the packet filter's tools from
 * Debian packages, unpacked and installed nowhere, and two small programs built with Go: CoreDNS with
 * few plugins, and the process that holds a sandbox open. All of it is in the cache after the first time.
 */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { cacheDirectory, cached } from '../backends/cache.ts';
import { findProgram, run } from '../backends/command.ts';
import { debianPackages, type DebianPackages } from '../backends/debian.ts';
import { goEnvironment, type BuildOptions } from './build.ts';

export interface NodePrograms {
  /** The unpacked packages. */
  readonly packages: string;
  readonly coredns: string;
  readonly pause: string;
}

const sources = fileURLToPath(new URL('kube', import.meta.url));
const builtNames = ['dns', 'pause'] as const;
const buildArguments = ['-trimpath', '-buildvcs=false', '-ldflags=-s -w'];
const buildDeadlineMs = 60 * 60_000;

const wanted: DebianPackages = {
  name: 'node',
  revision: 1,
  packages: [
    'containerd',
    'runc',
    'containernetworking-plugins',
    'iptables',
    'conntrack',
    'ipset',
    'libseccomp2',
    'libip4tc2',
    'libip6tc2',
    'libxtables12',
    'libnftnl11',
    'libmnl0',
    'libnetfilter-conntrack3',
    'libnfnetlink0',
    'libipset13',
  ],
  async adjust(folder) {
    // An installation would choose between two families of these; unpacking chooses nothing.
    for (const family of ['iptables', 'ip6tables']) {
      for (const name of [family, `${family}-save`, `${family}-restore`]) {
        const link = join(folder, 'usr', 'sbin', name);
        await rm(link, { force: true });
        await symlink('xtables-nft-multi', link);
      }
    }
  },
};

async function sourceKey(): Promise<string> {
  const hash = createHash('sha256');
  for (const name of builtNames) {
    for (const file of (await readdir(join(sources, name))).toSorted()) {
      hash.update(await readFile(join(sources, name, file)));
    }
  }
  hash.update(buildArguments.join('\n'));
  return `node-programs-${process.platform}-${process.arch}-${hash.digest('hex').slice(0, 12)}`;
}

/** CoreDNS shares most packages with Kubernetes, so Go has them when it has just built that. */
async function builtPrograms({ env, log, signal }: BuildOptions): Promise<string> {
  const name = await sourceKey();
  const entry = { cacheDir: cacheDirectory(env), name, log, signal, waitMs: buildDeadlineMs };
  return cached(entry, async (draft) => {
    const go = await findProgram('go', env);
    if (go === undefined)
      throw new Error('the cache has no CoreDNS, and there is no `go` on the PATH');
    log('building CoreDNS from Go modules, once for this host: half a minute on two idle cores');
    const scratch = join(draft, 'tmp');
    await mkdir(scratch);
    for (const program of builtNames) {
      await run(go, ['build', ...buildArguments, '-o', join(draft, program), '.'], {
        cwd: join(sources, program),
        env: { ...goEnvironment(env), GOTMPDIR: scratch },
        signal,
        timeoutMs: buildDeadlineMs,
      });
    }
    await rm(scratch, { recursive: true });
  });
}

export async function findNodePrograms(options: BuildOptions): Promise<NodePrograms> {
  const { env, log, signal } = options;
  const search = { env, log, signal, cacheDir: cacheDirectory(env), folder: '' };
  const packages = await debianPackages(wanted, search);
  const built = await builtPrograms(options);
  return { packages, coredns: join(built, 'dns'), pause: join(built, 'pause') };
}
