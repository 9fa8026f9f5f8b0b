/**
 * The manifests that play runs: resources of ours, and the few built-in objects that serve them. The
 * files are read as every command reads them; every complaint names file, line and field.
 */
import { apiVersion as ourApiVersion } from '@millrace/crds/define-kind';
import { kinds } from '@millrace/crds';
import {
  ManifestUnreadable,
  readManifestFiles,
  type ManifestDocument,
} from '@millrace/operator/cli/manifest-file';
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
  const manifests = (await documents(paths)).map(manifestOf);
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

async function documents(paths: readonly string[]): Promise<readonly ManifestDocument[]> {
  try {
    return await readManifestFiles(paths);
  } catch (error) {
    if (!(error instanceof ManifestUnreadable)) throw error;
    throw new Refusal(error.message, { cause: error });
  }
}

function manifestOf(document: ManifestDocument): Manifest {
  const { value, apiVersion, kind, metadata: named, file, whereIs } = document;
  const type = accepted.find((one) => one.apiVersion === apiVersion && one.kind === kind);
  if (type === undefined) {
    const known = accepted.map((one) => `${one.apiVersion} ${one.kind}`).join(', ');
    throw new Refusal(
      `${whereIs('kind')}: apiVersion ${JSON.stringify(apiVersion)} with kind ${JSON.stringify(kind)} is not something play runs; it runs ${known}.`,
    );
  }
  const { name } = named;
  if (typeof name !== 'string')
    throw new Refusal(`${whereIs('metadata')}: metadata.name is required; give it a name.`);
  const namespace = 'namespace' in named ? String(named['namespace']) : 'default';
  const object = {
    ...value,
    metadata: { ...named, name, namespace },
  } as unknown as KubeObject;
  return { type, object, isResource: ours.includes(type), file, whereIs };
}
