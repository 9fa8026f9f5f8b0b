/**
 * Finds an import by name, with everything that is needed to read its source again: from a manifest,
 * else from what the last play in a state folder left behind.
 */
import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { CsvImportPodConfig, CsvImportSpec } from '@millrace/crds/csv-import';
import { exitCode } from '@millrace/kit/exit-code';
import { podConfigOf } from '@millrace/operator/kinds/csv-import/children/config-map';
import { configKey, configMapName, secretName } from '@millrace/operator/machinery/workload/names';
import type { KubeObject } from '@millrace/operator/machinery/kube-api';
import type { Snapshot } from '@millrace/operator/memory/snapshot';
import type { Command } from 'commander';
import { loadManifests } from '../play/manifests.ts';
import { savedClaims } from '../play/state/saved-claims.ts';
import { statePaths, type StatePaths } from '../play/state/paths.ts';
import { displayPath } from '../play/view/display-path.ts';
import { badUsage, CommandFailure } from './ending.ts';
import { withPlaceOptions, type PlaceFlags } from './postgres-place.ts';

const kind = 'CsvImport';

export interface ImportRef {
  readonly namespace: string;
  readonly name: string;
}

export interface ImportSource {
  readonly ref: ImportRef;
  /** Undefined for a manifest: then the ledger knows which import was the last of that name. */
  readonly uid: string | undefined;
  /** With the folder of this host as mount path. */
  readonly config: CsvImportPodConfig;
  /** The URL that play gave to its pods, and the keys of sealed columns, if they are still known. */
  readonly savedUrl: string | undefined;
  readonly savedKeys: string | undefined;
  readonly savedRedisUrl: string | undefined;
}

const kindName = /^(csvimports?|csvi)(\.millrace\.dev)?$/i;

export function isImport(text: string): boolean {
  const [type = '', ...more] = text.split('/');
  return more.length > 0 && kindName.test(type);
}

/** For every command that is about one import, by its name. */
export interface ImportFlags extends PlaceFlags {
  readonly namespace: string;
  readonly manifest?: string;
}

export function withImportOptions(command: Command): Command {
  return withPlaceOptions(
    command
      .option('-n, --namespace <namespace>', 'namespace of the resource', 'default')
      .option('--manifest <file>', 'take the import from this YAML instead of the state of play'),
  );
}

/** `csvimport/users`, as kubectl takes it. */
export function parseRef(text: string, namespace: string): ImportRef {
  const [type = '', name = '', ...more] = text.split('/');
  if (!kindName.test(type) || name === '' || more.length > 0)
    throw badUsage(`${text}: name the import as csvimport/<name>, such as csvimport/users`);
  return { namespace, name };
}

export interface FindOptions {
  readonly state: string;
  readonly manifest?: string;
  /** Folders given for claims on the command line; absent: the source is not read. */
  readonly volumes?: ReadonlyMap<string, string>;
}

export async function findImport(ref: ImportRef, options: FindOptions): Promise<ImportSource> {
  const paths = statePaths(resolve(options.state));
  const objects =
    options.manifest === undefined
      ? await savedObjects(paths)
      : (await loadManifests([options.manifest])).map(({ object }) => object);
  const object = find(objects, kind, ref);
  if (object === undefined) throw unknownImport(ref, { objects, options, paths });
  const spec = object['spec'] as CsvImportSpec;
  const folder =
    spec.source.volume === undefined || options.volumes === undefined
      ? undefined
      : await claimFolder(spec, { options, paths });
  const uid = options.manifest === undefined ? object.metadata.uid : undefined;
  const config = savedConfig(objects, ref) ?? podConfigOf({ ...ref, uid: uid ?? '' }, spec);
  const secret = find(objects, 'Secret', { ...ref, name: secretName(spec) });
  return {
    ref,
    uid,
    config: { ...config, source: onThisHost(config.source, folder) },
    savedUrl: secretText(secret, 'POSTGRES_URL'),
    savedKeys: secretText(secret, 'SEALING_KEYS'),
    savedRedisUrl: secretText(secret, 'REDIS_URL'),
  };
}

/** Pods have the claim's folder somewhere else; what is no file is read from where they read it. */
function onThisHost(
  source: CsvImportPodConfig['source'],
  folder: string | undefined,
): CsvImportPodConfig['source'] {
  return source.volume === undefined || folder === undefined
    ? source
    : { ...source, volume: { ...source.volume, mountPath: folder } };
}

async function savedObjects({ objects }: StatePaths): Promise<readonly KubeObject[]> {
  let text: string;
  try {
    text = await readFile(objects, 'utf8');
  } catch {
    return [];
  }
  try {
    const { snapshot } = JSON.parse(text) as { readonly snapshot: Snapshot };
    return snapshot.objects.map(({ object }) => object);
  } catch (error) {
    const message = `${displayPath(objects)} cannot be read; run play again with --fresh`;
    throw new CommandFailure(exitCode.badInput, message, { cause: error });
  }
}

function find(
  objects: readonly KubeObject[],
  wanted: string,
  { namespace, name }: ImportRef,
): KubeObject | undefined {
  return objects.find(
    ({ kind: found, metadata }) =>
      found === wanted && metadata.name === name && metadata.namespace === namespace,
  );
}

interface Unknown {
  readonly objects: readonly KubeObject[];
  readonly options: FindOptions;
  readonly paths: StatePaths;
}

function unknownImport(ref: ImportRef, { objects, options, paths }: Unknown): CommandFailure {
  const place = options.manifest ?? displayPath(paths.root);
  const names = objects
    .filter((object) => object.kind === kind)
    .map(({ metadata }) => importName({ ...metadata, namespace: metadata.namespace ?? 'default' }));
  return new CommandFailure(
    exitCode.badInput,
    names.length === 0
      ? `${place} knows no import. Run \`npm run play -- --once\` first, or name the folder of another play with --state`
      : `${place} knows no import ${importName(ref)}; there ${names.length === 1 ? 'is' : 'are'} ${names.join(', ')}`,
  );
}

export function importName({ namespace, name }: ImportRef): string {
  return `csvimport/${name}${namespace === 'default' ? '' : ` --namespace ${namespace}`}`;
}

/** What the pods had; the spec may be a newer one that was refused. */
function savedConfig(
  objects: readonly KubeObject[],
  ref: ImportRef,
): CsvImportPodConfig | undefined {
  const map = find(objects, 'ConfigMap', { ...ref, name: configMapName(ref.name) });
  const data = map?.['data'] as Readonly<Record<string, string>> | undefined;
  const text = data?.[configKey];
  return text === undefined ? undefined : (JSON.parse(text) as CsvImportPodConfig);
}

function secretText(secret: KubeObject | undefined, key: string): string | undefined {
  const data = secret?.['data'] as Readonly<Record<string, string>> | undefined;
  const text = Buffer.from(data?.[key] ?? '', 'base64').toString();
  return text === '' ? undefined : text;
}

async function claimFolder(
  { source }: CsvImportSpec,
  { options, paths }: Pick<Unknown, 'options' | 'paths'>,
): Promise<string> {
  const claim = source.volume?.claimName ?? '';
  const given = options.volumes?.get(claim);
  const folder =
    given ?? (await savedClaims(paths.claims)).get(claim) ?? join(paths.volumes, claim);
  const isFolder = await stat(folder).then(
    (status) => status.isDirectory(),
    () => false,
  );
  if (isFolder) return folder;
  throw badUsage(
    given === undefined
      ? `no folder stands for the claim ${claim}; add --volume ${claim}=FOLDER`
      : `--volume ${claim}=${displayPath(given)}: there is no such folder`,
  );
}
