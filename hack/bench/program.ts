/**
 * The runtimes as their image has them, for measurements: one bundle, with the image's flags and
 * environment. From the sources a process is 40 MiB larger, since it holds what strips their types.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { imageConfig } from '../images/build.ts';
import { programs } from '../images/programs.ts';

export interface PodProgram {
  /** Flags of Node and the entry. */
  readonly words: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export async function writeProgram(folder: string): Promise<PodProgram> {
  const { files } = await programs('runtimes', (line) => console.error(line));
  for (const [name, content] of files) {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
  }
  const { Entrypoint, Env } = imageConfig('runtimes', {});
  const [, ...words] = Entrypoint;
  const entry = words.pop() ?? '';
  const set = Env.map((line) => [
    line.slice(0, line.indexOf('=')),
    line.slice(line.indexOf('=') + 1),
  ]);
  const { PATH: _, ...env } = Object.fromEntries(set) as Record<string, string>;
  return {
    words: [...words, join(folder, basename(entry))],
    // What ends pods with this process is no bundle; from the cache it needs no types stripped.
    env: { ...env, NODE_COMPILE_CACHE: join(folder, 'compile-cache') },
  };
}
