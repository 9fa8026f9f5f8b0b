/**
 * The layer below both images: Node, the C and C++ libraries that it loads, and the files that say
 * who user 65532 is. No shell, no package manager, no certificates: Node has its own.
 *
 * Node is the one of package-lock.json; the libraries are Debian's packages of the host's release,
 * downloaded and unpacked, not the host's own files. The same packages give the same bytes; a
 * security update of Debian's gives others, and the label of the image names the versions.
 */
import { readdir, readFile, readlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';

import type { Search } from '../backends/backend.ts';
import { cacheDirectory } from '../backends/cache.ts';
import { debianPackages, type DebianPackages } from '../backends/debian.ts';
import type { TarEntry } from './tar.ts';

export const userId = 65_532;

export interface BaseOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: (line: string) => void;
  readonly signal: AbortSignal;
}

export interface Base {
  readonly architecture: 'amd64' | 'arm64';
  readonly files: ReadonlyMap<string, TarEntry>;
  /** `name_version_architecture` of each Debian package. */
  readonly packages: readonly string[];
}

interface Platform {
  readonly architecture: Base['architecture'];
  readonly libraries: string;
  /** The loader's path is written into every program. */
  readonly loader: string;
}

const platforms: Readonly<Record<string, Platform>> = {
  'linux-x64': {
    architecture: 'amd64',
    libraries: 'lib/x86_64-linux-gnu',
    loader: 'lib64/ld-linux-x86-64.so.2',
  },
  'linux-arm64': {
    architecture: 'arm64',
    libraries: 'lib/aarch64-linux-gnu',
    loader: 'lib/ld-linux-aarch64.so.1',
  },
};

/** What Node is linked to, and the resolver, which the C library loads by name. */
const libraries = [
  'libc.so.6',
  'libdl.so.2',
  'libgcc_s.so.1',
  'libm.so.6',
  'libnss_dns.so.2',
  'libnss_files.so.2',
  'libpthread.so.0',
  'libresolv.so.2',
  'libstdc++.so.6',
];

const documents = 'usr/share/doc';
const packageList = 'packages.txt';

const wanted: DebianPackages = {
  name: 'image-base-debian',
  packages: ['libc6', 'libgcc-s1', 'libstdc++6'],
  revision: 2,
  async adjust(folder) {
    const names = await readdir(join(folder, '.packages'));
    const packages = names.map((name) => name.replace(/\.deb$/, '')).toSorted();
    await writeFile(join(folder, packageList), `${packages.join('\n')}\n`);
  },
};

async function program(path: string): Promise<TarEntry> {
  return { type: 'file', content: await readFile(path), mode: 0o755 };
}

/** The copyright of GCC's libraries is in a package of another name with each release of GCC. */
async function notices(folder: string, search: Search): Promise<ReadonlyMap<string, TarEntry>> {
  const name = await readlink(join(folder, documents, 'libgcc-s1'));
  const gcc = await debianPackages(
    { name: `image-${name}`, packages: [name], revision: 1 },
    search,
  );
  const read = async (path: string): Promise<TarEntry> => ({
    type: 'file',
    content: await readFile(path),
    mode: 0o644,
  });
  return new Map([
    ['licenses/libc6.txt', await read(join(folder, documents, 'libc6', 'copyright'))],
    ['licenses/gcc-libraries.txt', await read(join(gcc, documents, name, 'copyright'))],
  ]);
}

/** Packages write to /lib or to /usr/lib; which of them is Debian's affair. */
async function library(folder: string, path: string): Promise<TarEntry> {
  return program(join(folder, path)).catch(async () => program(join(folder, 'usr', path)));
}

/** The files of `rootfs`, which the Dockerfiles copy too. */
async function settings(): Promise<ReadonlyMap<string, TarEntry>> {
  const folder = join(import.meta.dirname, 'rootfs');
  const files = new Map<string, TarEntry>([['tmp', { type: 'folder', mode: 0o1777 }]]);
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const name = relative(folder, path).replaceAll('\\', '/');
    files.set(name, { type: 'file', content: await readFile(path), mode: 0o644 });
  }
  return files;
}

export async function base({ env, log, signal }: BaseOptions): Promise<Base> {
  const system = `${process.platform}-${process.arch}`;
  const platform = platforms[system];
  if (platform === undefined) {
    throw new Error(
      `images are for Linux on x64 and arm64, and this host is ${system}: build them with the ` +
        'Dockerfiles and a container engine',
    );
  }
  const cacheDir = cacheDirectory(env);
  const search = { env, log, signal, cacheDir, folder: cacheDir };
  const folder = await debianPackages(wanted, search);
  const node = dirname(
    createRequire(import.meta.url).resolve(`node-${system}/package.json`, {
      paths: [import.meta.dirname],
    }),
  );
  const files = new Map([...(await settings()), ...(await notices(folder, search))]);
  files.set('usr/local/bin/node', await program(join(node, 'bin', 'node')));
  files.set(platform.loader, await library(folder, platform.loader));
  for (const name of libraries) {
    const path = `${platform.libraries}/${name}`;
    files.set(path, await library(folder, path));
  }
  files.set('licenses/node.txt', {
    type: 'file',
    content: await readFile(join(node, 'LICENSE')),
    mode: 0o644,
  });
  const packages = (await readFile(join(folder, packageList), 'utf8')).trim().split('\n');
  return { architecture: platform.architecture, files, packages };
}
