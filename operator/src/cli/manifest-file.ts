/**
 * Manifests as people write them: files and folders of YAML, several documents a file, read into
 * values that remember where each field stands, so that every complaint names file, line and field.
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isMap, isNode, LineCounter, parseAllDocuments, type Document } from 'yaml';

export interface ManifestDocument {
  readonly value: Readonly<Record<string, unknown>>;
  readonly apiVersion: unknown;
  readonly kind: unknown;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly file: string;
  /** `file:line` of the deepest part of such a path as `spec.columns[2].type` that is written there. */
  readonly whereIs: (path: string) => string;
}

/** What cannot be read as manifests, in words that name file and line. */
export class ManifestUnreadable extends Error {
  constructor(message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'ManifestUnreadable';
  }
}

/** A folder stands for the .yaml and .yml files in it, in the order of their names. */
export async function readManifestFiles(
  paths: readonly string[],
): Promise<readonly ManifestDocument[]> {
  const files = (await Promise.all(paths.map(filesOf))).flat();
  return (await Promise.all(files.map(readManifestFile))).flat();
}

async function filesOf(path: string): Promise<readonly string[]> {
  const stats = await stat(path).catch((error: unknown) => {
    throw new ManifestUnreadable(`${path}: no such file or folder.`, { cause: error });
  });
  if (!stats.isDirectory()) return [path];
  const names = (await readdir(path)).filter((name) => /\.ya?ml$/.test(name)).toSorted();
  if (names.length === 0)
    throw new ManifestUnreadable(`${path}: no .yaml or .yml file in this folder.`);
  return names.map((name) => join(path, name));
}

async function readManifestFile(file: string): Promise<readonly ManifestDocument[]> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new ManifestUnreadable(`${file}: cannot be read.`, { cause: error });
  });
  return manifestDocuments(file, text);
}

/** The documents of one text; empty ones are left out. */
export function manifestDocuments(file: string, text: string): readonly ManifestDocument[] {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false });
  const parsed = Array.isArray(documents) ? documents : [];
  return parsed.flatMap((document) => {
    const [error] = document.errors;
    if (error !== undefined) {
      const { line, col } = lines.linePos(error.pos[0]);
      throw new ManifestUnreadable(`${file}:${String(line)}:${String(col)}: ${error.message}`);
    }
    return document.toJS() === null ? [] : [manifestDocument(document, file, lines)];
  });
}

function manifestDocument(document: Document, file: string, lines: LineCounter): ManifestDocument {
  const whereIs = (path: string): string =>
    `${file}:${String(lineOf(document, segmentsOf(path), lines))}`;
  const value: unknown = document.toJS();
  if (!isMap(document.contents) || typeof value !== 'object' || value === null)
    throw new ManifestUnreadable(
      `${whereIs('')}: a manifest is a map that starts with apiVersion and kind.`,
    );
  const fields = value as Readonly<Record<string, unknown>>;
  const { apiVersion, kind, metadata } = fields;
  const named = typeof metadata === 'object' && metadata !== null ? metadata : {};
  return { value: fields, apiVersion, kind, metadata: { ...named }, file, whereIs };
}

function segmentsOf(path: string): readonly (string | number)[] {
  return [...path.matchAll(/(?<key>[^.[\]]+)|\[(?<index>\d+)\]/g)].map((match) =>
    match.groups?.['index'] === undefined
      ? (match.groups?.['key'] ?? '')
      : Number(match.groups['index']),
  );
}

function lineOf(
  document: Document,
  path: readonly (string | number)[],
  lines: LineCounter,
): number {
  for (let length = path.length; length >= 0; length--) {
    const node = length === 0 ? document.contents : keyAt(document, path.slice(0, length));
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
  }
  return 1;
}

/** The key of a map entry rather than its value: a nested value may start lines below. */
function keyAt(document: Document, path: readonly (string | number)[]): unknown {
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  const last = path.at(-1);
  if (!isMap(parent)) return document.getIn(path, true);
  return parent.items.find((pair) => String(pair.key) === last)?.key;
}
