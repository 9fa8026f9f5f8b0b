/**
 * Debian packages as plain files: downloaded with apt's own client and its own verification,
 * unpacked into the cache, installed nowhere. Needs no root, and starts no service.
 */
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';

import type { Search } from './backend.ts';
import { cached } from './cache.ts';
import { findProgram, run } from './command.ts';

export interface DebianPackages {
  readonly name: string;
  readonly packages: readonly string[];
  /** Raised when the unpacked form changes, so that old cache folders are left aside. */
  readonly revision: number;
  /** Changes the unpacked files where they assume their usual place. */
  adjust?(folder: string): Promise<void>;
}

async function release(): Promise<string> {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '');
  const field = (name: string): string =>
    new RegExp(`^${name}="?([\\w.-]+)`, 'm').exec(text)?.[1] ?? 'unknown';
  return `${field('ID')}${field('VERSION_ID')}-${process.arch}`;
}

/** Lists of our own, for a host where nobody ran an update, or ran it so long ago that it is stale. */
async function privateLists(search: Search): Promise<readonly string[]> {
  const root = join(search.cacheDir, 'apt');
  const lists = join(root, 'lists');
  const archives = join(root, 'cache');
  await mkdir(join(lists, 'partial'), { recursive: true });
  await mkdir(join(archives, 'archives', 'partial'), { recursive: true });
  return [
    '-o',
    `Dir::State::Lists=${lists}`,
    '-o',
    `Dir::Cache=${archives}`,
    '-o',
    'Debug::NoLocking=1',
  ];
}

async function download(wanted: DebianPackages, into: string, search: Search): Promise<void> {
  // Root's apt would drop to a user that cannot write here, and warn about it on every file.
  const common = ['-o', 'APT::Sandbox::User=root', '-o', 'Acquire::Retries=3'];
  const options = {
    env: { ...search.env, LC_ALL: 'C' },
    cwd: into,
    timeoutMs: 600_000,
    signal: search.signal,
    onLine: (line: string): void => {
      if (/^(Get|Err|E):/.test(line)) search.log(line);
    },
  };
  try {
    await run('apt-get', [...common, 'download', ...wanted.packages], options);
  } catch {
    search.signal.throwIfAborted();
    search.log('the package lists are absent or old; updating private copies of them');
    const lists = await privateLists(search);
    // One unreachable source among several fails the update and says nothing about ours.
    await run('apt-get', [...common, ...lists, 'update'], options).catch(() => undefined);
    await run('apt-get', [...common, ...lists, 'download', ...wanted.packages], options);
  }
}

/** The folder that holds the unpacked packages, downloaded on first use. */
export async function debianPackages(wanted: DebianPackages, search: Search): Promise<string> {
  for (const tool of ['apt-get', 'dpkg-deb']) {
    if ((await findProgram(tool, search.env)) === undefined) {
      throw new Error(`no ${tool} on this host, so its packages cannot be cached`);
    }
  }
  const name = `${wanted.name}-${await release()}-${String(wanted.revision)}`;
  return cached({ ...search, name }, async (folder) => {
    const packages = join(folder, '.packages');
    await mkdir(packages);
    search.log(`downloading ${String(wanted.packages.length)} packages for ${wanted.name}`);
    await download(wanted, packages, search);
    for (const file of await readdir(packages)) {
      if (!file.endsWith('.deb')) continue;
      await run('dpkg-deb', ['-x', join(packages, file), folder], { env: search.env });
    }
    await wanted.adjust?.(folder);
    await rm(packages, { recursive: true, force: true });
  });
}

/** The library folders of an unpacked set, for LD_LIBRARY_PATH. */
export async function libraryPath(folder: string): Promise<string> {
  const found: string[] = [];
  for (const parent of [join(folder, 'usr', 'lib'), join(folder, 'lib')]) {
    for (const name of await readdir(parent).catch((): string[] => [])) {
      if (name.endsWith('-linux-gnu')) found.push(join(parent, name));
    }
  }
  return found.join(':');
}
