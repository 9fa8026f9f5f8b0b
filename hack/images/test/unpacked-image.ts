/**
 * An image as its pods see it, without a container engine: its layers in a folder, its programs run
 * in there as its user, with nothing of the host but the kernel and the network.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { chmod, chown, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { userId } from '../base.ts';
import { composeImage, type ImageName } from '../build.ts';
import type { ImageConfig, OciImage } from '../oci.ts';

/** Only root may change the root of a process. */
export const canUnpack = process.platform === 'linux' && process.getuid?.() === 0;

export interface Ended {
  readonly code: number | null;
  readonly output: string;
}

export interface UnpackedImage extends AsyncDisposable {
  /** The root of the image on this host. */
  readonly folder: string;
  readonly config: ImageConfig;
  /** Starts a program in the image; its path is one of the image. */
  start(command: readonly string[], env?: Readonly<Record<string, string>>): ChildProcess;
  /** Runs one to its end. */
  run(command: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ended>;
  /** Puts a file where only the image's user can read it. */
  put(path: string, content: string): Promise<void>;
}

async function unpack(layers: OciImage['layers'], folder: string): Promise<void> {
  for (const [path, entry] of layers.flatMap((layer) => [...layer])) {
    const target = join(folder, path);
    await mkdir(entry.type === 'folder' ? target : dirname(target), { recursive: true });
    if (entry.type === 'link') {
      await symlink(entry.target, target);
      continue;
    }
    if (entry.type === 'file') await writeFile(target, entry.content);
    await chmod(target, entry.mode);
  }
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
  const { config, layers } = await composeImage({ image, log: () => undefined });
  // A new folder for a user is closed to others; the image's user has to get in.
  const folder = join(place, 'root');
  await mkdir(folder);
  await chmod(place, 0o755);
  await unpack(layers, folder);
  const children: ChildProcess[] = [];
  const start: UnpackedImage['start'] = (command, env = {}) => {
    const child = spawn('chroot', [`--userspec=${config.User}`, folder, ...command], {
      // spawn finds chroot in the PATH of the child; in the image that PATH is of no use.
      env: { PATH: '/usr/sbin:/usr/bin', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    children.push(child);
    return child;
  };
  return {
    folder,
    config,
    start,
    run: async (command, env) => ended(start(command, env)),
    async put(path, content) {
      await writeFile(join(folder, path), content, { mode: 0o400 });
      await chown(join(folder, path), userId, userId);
    },
    async [Symbol.asyncDispose]() {
      for (const child of children) child.kill('SIGKILL');
      await rm(place, { recursive: true, force: true });
    },
  };
}
