import { relative } from 'node:path';

/** A path as people write it: from where they are if that is shorter, else whole. */
export function displayPath(path: string, from: string = process.cwd()): string {
  const short = relative(from, path);
  return short.startsWith('..') ? path : short;
}
