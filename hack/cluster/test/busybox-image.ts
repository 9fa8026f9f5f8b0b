/** An image with one static program that is a shell, a web server and more; from a Debian package. */
import { join } from 'node:path';

import { cacheDirectory } from '../../backends/cache.ts';
import { debianPackages } from '../../backends/debian.ts';
import { writeProgramImage } from '../program-image.ts';

export const busyboxImage = 'localhost/busybox:1';

/** Writes the archive there. */
export async function writeBusyboxImage(path: string): Promise<void> {
  const { env } = process;
  const signal = new AbortController().signal;
  const search = { env, signal, cacheDir: cacheDirectory(env), folder: '', log: () => undefined };
  const wanted = { name: 'busybox', packages: ['busybox-static'], revision: 1 };
  const file = join(await debianPackages(wanted, search), 'bin', 'busybox');
  await writeProgramImage(path, { reference: busyboxImage, file, path: 'bin/busybox' });
}
