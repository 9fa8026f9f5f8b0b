/**
 * Builds an image of Millrace into an OCI archive, with no container engine and no root.
 *
 * Two layers: Node with its libraries, which both images share byte for byte, and the programs. The
 * same sources, lock file and Debian packages give the same digest. The Dockerfiles make images of
 * the same content with the same settings; a test holds them together.
 */
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { base, userId, type Base } from './base.ts';
import { writeArchive, type ImageConfig, type OciImage } from './oci.ts';
import { programs, root, type ImageName } from './programs.ts';
import type { TarEntry } from './tar.ts';
import { thirdPartyNotices } from './third-party.ts';

export { imageNames, type ImageName } from './programs.ts';

export interface ComposeOptions {
  readonly image: ImageName;
  /** The version of Millrace unless told. */
  readonly tag?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly log: (line: string) => void;
  readonly signal?: AbortSignal;
}

export interface BuildImageOptions extends ComposeOptions {
  /** Folder of the archives; `.millrace/images` unless told. */
  readonly out?: string;
}

export interface BuiltImage {
  readonly file: string;
  /** As a container runtime stores it: `docker.io/millrace/operator:0.1.0`. */
  readonly reference: string;
  readonly digest: string;
  /** Of the archive. */
  readonly bytes: number;
}

export const archiveFolder = join(root, '.millrace', 'images');

/** Flags of Node per image; README.md has what each was measured to save. */
const nodeFlags: Readonly<Record<ImageName, readonly string[]>> = {
  operator: ['--max-old-space-size=384', '--max-semi-space-size=16', '--enable-source-maps'],
  runtimes: ['--enable-source-maps'],
};

/** Many arenas of the C library's allocator only help programs with many threads of their own. */
const environment = ['PATH=/usr/local/bin', 'NODE_ENV=production', 'MALLOC_ARENA_MAX=2'];

export async function millraceVersion(): Promise<string> {
  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
    readonly version: string;
  };
  return manifest.version;
}

export function entrypoint(image: ImageName): readonly string[] {
  return ['/usr/local/bin/node', ...nodeFlags[image], `/app/${image}.mjs`];
}

export function imageConfig(image: ImageName, labels: ImageConfig['Labels']): ImageConfig {
  return {
    User: `${String(userId)}:${String(userId)}`,
    WorkingDir: '/app',
    Entrypoint: entrypoint(image),
    Env: [...environment],
    Labels: labels,
  };
}

function plain(content: Buffer): TarEntry {
  return { type: 'file', content, mode: 0o644 };
}

/** What the image has beyond its base: paths without the leading slash. */
export async function imageFiles(
  image: ImageName,
  log: (line: string) => void,
): Promise<ReadonlyMap<string, TarEntry>> {
  const { files, packages } = await programs(image, log);
  const entries = new Map<string, TarEntry>();
  for (const [name, content] of files) entries.set(`app/${name}`, plain(content));
  entries.set('licenses/millrace.txt', plain(await readFile(join(root, 'LICENSE'))));
  const notices = await thirdPartyNotices(root, packages);
  entries.set('licenses/third-party.txt', plain(Buffer.from(notices)));
  return entries;
}

function labels(image: ImageName, version: string, { packages }: Base): ImageConfig['Labels'] {
  return {
    'org.opencontainers.image.title': `Millrace ${image}`,
    'org.opencontainers.image.version': version,
    'org.opencontainers.image.licenses': 'Apache-2.0',
    'dev.millrace.debian-packages': packages.join(' '),
  };
}

/** The image as layers of files, not written anywhere yet. */
export async function composeImage(options: ComposeOptions): Promise<OciImage> {
  const { image, log } = options;
  const version = await millraceVersion();
  const signal = options.signal ?? new AbortController().signal;
  const below = await base({ env: options.env ?? process.env, log, signal });
  const own = await imageFiles(image, log);
  signal.throwIfAborted();
  return {
    reference: `docker.io/millrace/${image}:${options.tag ?? version}`,
    architecture: below.architecture,
    config: imageConfig(image, labels(image, version, below)),
    layers: [below.files, own],
  };
}

export async function buildImage(options: BuildImageOptions): Promise<BuiltImage> {
  const file = resolve(options.out ?? archiveFolder, `${options.image}.tar`);
  const composed = await composeImage(options);
  const written = await writeArchive(file, composed);
  return { file, reference: composed.reference, ...written };
}
