/** An image with one static program that is a shell, a web server and more; from a Debian package. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { cacheDirectory } from '../../backends/cache.ts';
import { debianPackages } from '../../backends/debian.ts';
import { writeImageArchive } from '../image-archive.ts';

export const busyboxImage = 'localhost/busybox:1';

/** Writes the archive there. */
export async function writeBusyboxImage(path: string): Promise<void> {
  const { env } = process;
  const signal = new AbortController().signal;
  const search = { env, signal, cacheDir: cacheDirectory(env), folder: '', log: () => undefined };
  const wanted = { name: 'busybox', packages: ['busybox-static'], revision: 1 };
  const content = await readFile(join(await debianPackages(wanted, search), 'bin', 'busybox'));
  await writeImageArchive(path, {
    reference: busyboxImage,
    files: [{ path: 'bin/busybox', content, mode: 0o755 }],
    command: ['/bin/busybox'],
  });
}
