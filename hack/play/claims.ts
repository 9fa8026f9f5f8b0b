/** Folders of this host for the claims that manifests name, from `--volume name=folder`. */
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { KubeObject } from '@millrace/operator/machinery/kube-api';
import { playKindOf } from './kinds/kinds.ts';
import { specOf, type ClaimUse } from './kinds/play-kind.ts';
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
    const claim = claimOf(manifest);
    if (claim === undefined || claims.has(claim.name)) continue;
    const { name, field } = claim;
    throw refused(
      manifest,
      `${manifest.whereIs(field)}: no folder stands for the claim ${name}; add --volume ${name}=FOLDER.`,
    );
  }
}

export function claimOf({ isResource, object }: Manifest): ClaimUse | undefined {
  return isResource ? playKindOf(object).claim(specOf(object)) : undefined;
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
