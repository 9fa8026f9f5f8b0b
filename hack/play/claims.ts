/** Folders of this host for the claims that manifests name, from `--volume name=folder`. */
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { KubeObject } from '@millrace/operator/machinery/kube-api';
import { refused, type Manifest } from './manifests.ts';
import { Refusal } from './refusal.ts';

export function parseVolume(text: string): readonly [name: string, folder: string] {
  const at = text.indexOf('=');
  const [name, folder] = [text.slice(0, at), text.slice(at + 1)];
  if (at <= 0 || folder === '')
    throw new Refusal(`--volume ${text}: write it as claim=folder, such as data=./my-files.`);
  return [name, resolve(folder)];
}

/** Fails on a folder that is not there, and on a claim that no folder stands for. */
export async function checkClaims(
  manifests: readonly Manifest[],
  claims: ReadonlyMap<string, string>,
): Promise<void> {
  for (const [name, folder] of claims) {
    const isFolder = await stat(folder).then(
      (stats) => stats.isDirectory(),
      () => false,
    );
    if (!isFolder) throw new Refusal(`--volume ${name}=${folder}: there is no such folder.`);
  }
  for (const manifest of manifests) {
    const name = claimOf(manifest);
    if (name === undefined || claims.has(name)) continue;
    throw refused(
      manifest,
      `${manifest.whereIs('spec.source.volume.claimName')}: no folder stands for the claim ${name}; add --volume ${name}=FOLDER.`,
    );
  }
}

function claimOf(manifest: Manifest): string | undefined {
  if (!manifest.isResource) return undefined;
  const spec = manifest.object['spec'] as
    | { readonly source?: { readonly volume?: { readonly claimName?: unknown } } }
    | undefined;
  const name = spec?.source?.volume?.claimName;
  return typeof name === 'string' ? name : undefined;
}

export function claimObject(name: string, namespace: string): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name, namespace },
    spec: {
      accessModes: ['ReadOnlyMany'],
      resources: { requests: { storage: '1Gi' } },
    },
  };
}
