/**
 * An image as its pods see it, without a container engine: built, its layers unpacked into a folder,
 * its programs run in there as its user, with nothing of the host but the kernel and the network.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { run } from '../../backends/command.ts';
import { buildImage, type BuiltImage, type ImageName } from '../build.ts';

/** Only root may change the root of a process. */
export const canUnpack = process.platform === 'linux' && process.getuid?.() === 0;

interface Manifest {
  readonly layers: readonly { readonly digest: string }[];
}

export interface Ended {
  readonly code: number | null;
  readonly output: string;
}

export interface UnpackedImage extends AsyncDisposable {
  readonly built: BuiltImage;
  /** The root of the image on this host. */
  readonly folder: string;
  /** As the container runtime has it. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Starts a program in the image; its path is one of the image. */
  start(command: readonly string[], env?: Readonly<Record<string, string>>): ChildProcess;
  /** Runs one to its end. */
  run(command: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ended>;
  /** Puts a file of the host where the image's user can read it. */
  give(path: string, as: string): Promise<void>;
}

export async function readBlob(folder: string, digest: string): Promise<unknown> {
  const path = join(folder, 'blobs', ...digest.split(':'));
  return JSON.parse(await readFile(path, 'utf8'));
}

async function unpack(archive: string, into: string): Promise<{ config: object; folder: string }> {
  const layout = join(into, 'layout');
  const folder = join(into, 'root');
  await mkdir(layout);
  await mkdir(folder);
  const { env } = process;
  await run('tar', ['-xf', archive, '-C', layout], { env });
  const index = JSON.parse(await readFile(join(layout, 'index.json'), 'utf8')) as {
    readonly manifests: readonly [{ readonly digest: string }];
  };
  const manifest = (await readBlob(layout, index.manifests[0].digest)) as Manifest & {
    readonly config: { readonly digest: string };
  };
  for (const { digest } of manifest.layers) {
    const layer = join(layout, 'blobs', ...digest.split(':'));
    await run('tar', ['-xpf', layer, '-C', folder], { env });
  }
  const { config } = (await readBlob(layout, manifest.config.digest)) as {
    readonly config: object;
  };
  await rm(layout, { recursive: true });
  return { config, folder };
}

async function ended(child: ChildProcess): Promise<Ended> {
  let output = '';
  const take = (chunk: Buffer): void => {
    output += chunk.toString();
  };
  child.stdout?.on('data', take);
  child.stderr?.on('data', take);
  const { promise, resolve, reject } = Promise.withResolvers<Ended>();
  child.once('error', reject);
  child.once('close', (code) => resolve({ code, output }));
  return promise;
}

export async function unpackedImage(image: ImageName): Promise<UnpackedImage> {
  const place = await mkdtemp(join(tmpdir(), 'millrace-image-'));
  const built = await buildImage({ image, out: place, log: () => undefined });
  const { config, folder } = await unpack(built.file, place);
  const children: ChildProcess[] = [];
  const start: UnpackedImage['start'] = (command, env = {}) => {
    const { User: user } = config as { readonly User: string };
    const child = spawn('chroot', [`--userspec=${user}`, folder, ...command], {
      // spawn finds chroot in the PATH of the child; in the image that PATH is of no use.
      env: { PATH: '/usr/sbin:/usr/bin', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    children.push(child);
    return child;
  };
  return {
    built,
    folder,
    config: { ...config },
    start,
    run: async (command, env) => ended(start(command, env)),
    async give(path, as) {
      await cp(path, join(folder, as));
      await run('chown', [String((config as { readonly User: string }).User), join(folder, as)], {
        env: process.env,
      });
    },
    async [Symbol.asyncDispose]() {
      for (const child of children) child.kill('SIGKILL');
      await rm(place, { recursive: true, force: true });
    },
  };
}
