/** Brings manifests into the API: what they need first, then each resource by decideApply's verdict. */
import { setTimeout as delay } from 'node:timers/promises';
import type { KubeApi, KubeObject, ResourceType } from '@millrace/operator/machinery/kube-api';
import { KubeFailure } from '@millrace/operator/machinery/kube-failure';
import { decideApply, movedFields } from './apply.ts';
import { claimObject } from './claims.ts';
import {
  claimType,
  configMapType,
  deploymentType,
  isOwnedBy,
  jobType,
  podType,
  secretType,
  serviceType,
  uidOf,
} from './controllers/workload.ts';
import { playKindOf } from './kinds/kinds.ts';
import { nameOf, refused, type Manifest } from './manifests.ts';
import { Refusal } from './refusal.ts';

export const playManager = 'millrace-play';
const deletionDeadlineMs = 60_000;
const dependentTypes = [configMapType, jobType, deploymentType, serviceType, podType];

export interface ApplyInput {
  readonly manifests: readonly Manifest[];
  readonly secrets: readonly KubeObject[];
  readonly claims: ReadonlyMap<string, string>;
  log(line: string): void;
}

export async function applyManifests(api: KubeApi, input: ApplyInput): Promise<void> {
  const resources = input.manifests.filter((manifest) => manifest.isResource);
  const namespaces = new Set(resources.map(({ object }) => object.metadata.namespace));
  for (const namespace of namespaces)
    for (const name of input.claims.keys()) await put(api, claimType, claimObject(name, namespace));
  for (const secret of input.secrets) await put(api, secretType, secret);
  for (const { type, object } of input.manifests)
    if (type === secretType || type === configMapType) await put(api, type, object);
  for (const manifest of resources) await applyResource(api, manifest, input);
}

async function put(api: KubeApi, type: ResourceType, object: KubeObject): Promise<void> {
  await api.apply(type, object, { fieldManager: playManager, force: true });
}

async function applyResource(api: KubeApi, manifest: Manifest, input: ApplyInput): Promise<void> {
  const { type, object } = manifest;
  const existing = await api.get(type, object.metadata);
  const decision = decideApply(existing, object);
  switch (decision) {
    case 'refuse':
      throw unfinished(manifest, existing ?? object);
    case 'runAgain':
      input.log(`${nameOf(manifest)}: it has ended; running it again as a new one`);
      await deleteWithDependents(api, type, existing ?? object);
      break;
    case 'resume':
      input.log(`${nameOf(manifest)}: going on where it was interrupted`);
      break;
    case 'update':
      input.log(`${nameOf(manifest)}: changed`);
      break;
    case 'create':
      break;
  }
  await putResource(api, manifest);
}

async function putResource(api: KubeApi, manifest: Manifest): Promise<void> {
  try {
    await put(api, manifest.type, manifest.object);
  } catch (error) {
    if (!(error instanceof KubeFailure) || error.reason !== 'Invalid') throw error;
    throw refused(manifest, `${manifest.whereIs('spec')}: ${error.message}`, error);
  }
}

function unfinished(manifest: Manifest, existing: KubeObject): Refusal {
  const [first = 'spec', ...others] = movedFields(existing, manifest.object);
  const fields = [first, ...others].join(', ');
  const when = playKindOf(manifest.object).runsToAnEnd
    ? `while ${nameOf(manifest)} is unfinished. Let it finish, give the new one another name`
    : `in ${nameOf(manifest)}. Give the new one another name`;
  return refused(
    manifest,
    `${manifest.whereIs(first)}: ${fields} cannot change ${when}, or start over with --fresh.`,
  );
}

/** Children have the same names in the new life, so the old ones must be gone first. */
async function deleteWithDependents(
  api: KubeApi,
  type: ResourceType,
  object: KubeObject,
): Promise<void> {
  await api.delete(type, object.metadata, { uid: uidOf(object) });
  const deadline = performance.now() + deletionDeadlineMs;
  while (await isStillThere(api, type, object)) {
    if (performance.now() > deadline)
      throw new Refusal(`${nameOf({ object })} does not go away; start over with --fresh.`);
    await delay(10);
  }
}

async function isStillThere(
  api: KubeApi,
  type: ResourceType,
  object: KubeObject,
): Promise<boolean> {
  const uid = uidOf(object);
  if ((await api.get(type, object.metadata))?.metadata.uid === uid) return true;
  const owners = new Set([uid]);
  for (const dependentType of dependentTypes) {
    const { items } = await api.list(dependentType);
    const owned = items.filter((item) => [...owners].some((owner) => isOwnedBy(item, owner)));
    if (owned.length > 0) return true;
  }
  return false;
}
