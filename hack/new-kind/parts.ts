/**
 * The parts of a kind, as the templates have them: a template's path, without `.txt` and with the
 * slug for `_slug_`, is the path of the part. What has a template is what every kind must have.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import type { KindNames } from './names.ts';

const templates = join(import.meta.dirname, 'templates');

export interface Part {
  /** From the root of the repository. */
  readonly path: string;
  readonly text: string;
}

/** Paths of the parts of one kind, generated ones aside. */
export async function partPaths(slug: string): Promise<readonly string[]> {
  return (await templateFiles()).map((file) => targetOf(file, slug)).toSorted();
}

/** The folders and files that belong to one kind alone. */
export async function partFolders(slug: string): Promise<readonly string[]> {
  const own = (await templateFiles()).map((file) => /^.*?_slug_[^/]*/.exec(file)?.[0] ?? file);
  return [...new Set(own)].map((path) => targetOf(path, slug));
}

export async function partsOf(names: KindNames): Promise<readonly Part[]> {
  const files = await templateFiles();
  return await Promise.all(
    files.map(async (file) => ({
      path: targetOf(file, names.slug),
      text: filled(await readFile(join(templates, file), 'utf8'), names),
    })),
  );
}

async function templateFiles(): Promise<readonly string[]> {
  const entries = await readdir(templates, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(templates, join(entry.parentPath, entry.name)))
    .toSorted();
}

function targetOf(file: string, slug: string): string {
  return file
    .split(sep)
    .join('/')
    .replace(/\.txt$/, '')
    .replaceAll('_slug_', slug);
}

function filled(text: string, names: KindNames): string {
  const values: Readonly<Record<string, string>> = {
    Kind: names.kind,
    kind: names.camel,
    kinds: names.camelPlural,
    slug: names.slug,
    snake: names.snake,
    singular: names.singular,
    plural: names.plural,
    shortName: names.shortName,
  };
  return text.replaceAll(/\{\{(\w+)\}\}/g, (_all, word: string) => {
    const value = values[word];
    if (value === undefined) throw new Error(`a template asks for ${word}, which is no name`);
    return value;
  });
}
