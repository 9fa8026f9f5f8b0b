/**
 * Manifests as people write them: files and folders of YAML, several documents a file, read into
 * objects that remember where each field stands, so that every complaint names file, line and field.
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isMap, isNode, LineCounter, parseAllDocuments, type Document } from 'yaml';
import { apiVersion as ourApiVersion } from '@millrace/crds/define-kind';
import { kinds } from '@millrace/crds';
import type { KubeObject, ResourceType } from '@millrace/operator/machinery/kube-api';
import { claimType, configMapType, secretType } from './controllers/workload.ts';
import { Refusal } from './refusal.ts';

export interface Manifest {
  readonly type: ResourceType;
  readonly object: KubeObject;
  /** A kind of ours, which has a status to wait for; the others only serve those. */
  readonly isResource: boolean;
  readonly file: string;
  /** `file:line` of the deepest part of such a path as `spec.columns[2].type` that is written there. */
  whereIs(path: string): string;
}

const ours: readonly ResourceType[] = kinds.map(({ kind, plural }) => ({
  apiVersion: ourApiVersion,
  kind,
  plural,
}));
const accepted: readonly ResourceType[] = [...ours, secretType, configMapType, claimType];

export async function loadManifests(paths: readonly string[]): Promise<readonly Manifest[]> {
  const files = (await Promise.all(paths.map(filesOf))).flat();
  const manifests = (await Promise.all(files.map(readManifests))).flat();
  if (!manifests.some((manifest) => manifest.isResource))
    throw new Refusal(`No ${ours.map((type) => type.kind).join(' or ')} in ${paths.join(', ')}.`);
  const seen = new Map<string, Manifest>();
  for (const manifest of manifests) {
    const key = nameOf(manifest);
    const twin = seen.get(key);
    if (twin !== undefined)
      throw new Refusal(
        `${manifest.whereIs('metadata.name')}: ${key} is also in ${twin.whereIs('metadata.name')}; rename one.`,
      );
    seen.set(key, manifest);
  }
  return manifests;
}

/** `CsvImport default/users` */
export function nameOf({ object }: Pick<Manifest, 'object'>): string {
  return `${object.kind} ${object.metadata.namespace}/${object.metadata.name}`;
}

/** A refusal that is about this resource. */
export function refused({ object }: Manifest, error: string, cause?: unknown): Refusal {
  const { kind, metadata } = object;
  const { namespace, name } = metadata;
  return new Refusal(error, { cause, resources: [{ kind, namespace, name, error }] });
}

async function filesOf(path: string): Promise<readonly string[]> {
  const stats = await stat(path).catch((error: unknown) => {
    throw new Refusal(`${path}: no such file or folder.`, { cause: error });
  });
  if (!stats.isDirectory()) return [path];
  const names = (await readdir(path)).filter((name) => /\.ya?ml$/.test(name)).toSorted();
  if (names.length === 0) throw new Refusal(`${path}: no .yaml or .yml file in this folder.`);
  return names.map((name) => join(path, name));
}

async function readManifests(file: string): Promise<readonly Manifest[]> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new Refusal(`${file}: cannot be read.`, { cause: error });
  });
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false });
  const parsed = Array.isArray(documents) ? documents : [];
  return parsed.flatMap((document) => {
    const [error] = document.errors;
    if (error !== undefined) {
      const { line, col } = lines.linePos(error.pos[0]);
      throw new Refusal(`${file}:${String(line)}:${String(col)}: ${error.message}`);
    }
    return document.toJS() === null ? [] : [manifestOf(document, file, lines)];
  });
}

function manifestOf(document: Document, file: string, lines: LineCounter): Manifest {
  const whereIs = (path: string): string =>
    `${file}:${String(lineOf(document, segmentsOf(path), lines))}`;
  const value: unknown = document.toJS();
  if (!isMap(document.contents) || typeof value !== 'object' || value === null)
    throw new Refusal(`${whereIs('')}: a manifest is a map that starts with apiVersion and kind.`);
  const { apiVersion, kind, metadata } = value as Partial<Record<string, unknown>>;
  const type = accepted.find((one) => one.apiVersion === apiVersion && one.kind === kind);
  if (type === undefined) {
    const known = accepted.map((one) => `${one.apiVersion} ${one.kind}`).join(', ');
    throw new Refusal(
      `${whereIs('kind')}: apiVersion ${JSON.stringify(apiVersion)} with kind ${JSON.stringify(kind)} is not something play runs; it runs ${known}.`,
    );
  }
  const named = typeof metadata === 'object' && metadata !== null ? metadata : {};
  if (!('name' in named) || typeof named.name !== 'string')
    throw new Refusal(`${whereIs('metadata')}: metadata.name is required; give it a name.`);
  const namespace = 'namespace' in named ? String(named.namespace) : 'default';
  const object = {
    ...value,
    metadata: { ...named, name: named.name, namespace },
  } as unknown as KubeObject;
  return { type, object, isResource: ours.includes(type), file, whereIs };
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
