/**
 * What a pass would do to a CsvImport, for people who ask first. The caches of a pass are filled for
 * this one resource; everything that decides is what `reconcile.ts` uses too. Writes nothing.
 */
import type { KubeApi, KubeObject, ObjectRef, ResourceType } from '../../machinery/kube-api.ts';
import { Fault } from '@millrace/kit/fault';
import { KubeFailure } from '../../machinery/kube-failure.ts';
import { keyOfObject } from '../../machinery/object-key.ts';
import type { KindPreview, PreviewInput } from '../../machinery/preview.ts';
import { Store, type StoreOptions } from '../../machinery/store.ts';
import {
  baseName,
  fieldManager,
  kindLabel,
  managedBy,
  scaleManager,
  secretName,
  uidLabel,
} from './names.ts';
import { podIndex, podsOfRole } from './coordinator-pods.ts';
import { observe, secretKeyNames, type Caches } from './observe.ts';
import type { Observed } from './observed.ts';
import { plan } from './plan.ts';
import { neededKeys } from './prerequisites.ts';
import { childIndex, chooseSpec, ownedByUid } from './reconcile.ts';
import { renderingOf } from './rendering.ts';
import {
  claims,
  configMaps,
  csvImports,
  deployments,
  jobs,
  ownedTypes,
  pods,
  secrets,
  services,
} from './resource-types.ts';
import { validate } from './validate.ts';

export const csvImportPreview: KindPreview = {
  type: csvImports,
  childTypes: ownedTypes,
  fieldManager,
  scaleManager,
  ledger: { whole: 'read', parts: ['loaded', 'superseded', 'rejected'], watched: 'rejected' },
  childLabels: ({ metadata }) => ({ [uidLabel]: metadata.uid ?? '' }),
  async preview(input) {
    const assumed: string[] = [];
    const { observed, caches } = await look(input, assumed);
    const { spec, obstacle, isPaused } = chooseSpec(observed);
    const care =
      spec === undefined
        ? undefined
        : { spec, rendering: renderingOf({ image: input.image, spec, observed }) };
    const owner = observed.owner.uid;
    const stores = [caches.configMaps, caches.jobs, caches.deployments, caches.services];
    return {
      owner,
      plan: plan({ care, observed, now: input.now }),
      children: ownedTypes.flatMap((type, index) =>
        (stores[index]?.byIndex(ownedByUid, owner) ?? []).map((object) => ({ type, object })),
      ),
      obstacle,
      isPaused,
      assumed,
    };
  },
};

async function look(
  { object, api }: PreviewInput,
  assumed: string[],
): Promise<{ readonly observed: Observed; readonly caches: Caches }> {
  const { namespace, name } = object.metadata;
  // A predecessor of the same name left its children under the same label.
  const labels = { ...managedBy, [kindLabel]: 'csv-import' };
  const instance = { ...labels, 'app.kubernetes.io/instance': baseName(name) };
  const owned = async (type: ResourceType) =>
    storeOf((await api.list(type, { namespace, labels: instance })).items, {
      indexes: { [ownedByUid]: childIndex },
    });
  const caches: Caches = {
    imports: storeOf([object]),
    configMaps: await owned(configMaps),
    jobs: await owned(jobs),
    deployments: await owned(deployments),
    services: await owned(services),
    pods: storeOf((await api.list(pods, { namespace, labels: instance })).items, {
      indexes: { [podsOfRole]: podIndex },
    }),
    secrets: storeOf([], { trim: secretKeyNames }),
    claims: storeOf([]),
  };
  const observed = observe(keyOfObject(object), caches, () => undefined);
  if (observed === undefined) throw new Fault('a resource to preview must have a uid');
  for (const spec of [observed.spec, observed.lastSpec]) {
    await readReferences(spec, { namespace, api, caches, assumed });
  }
  return { observed, caches };
}

function storeOf(objects: readonly KubeObject[], options: StoreOptions = {}): Store {
  const store = new Store(options);
  for (const object of objects) store.upsert(object);
  return store;
}

interface Reading {
  readonly namespace: string;
  readonly api: Pick<KubeApi, 'get'>;
  readonly caches: Caches;
  readonly assumed: string[];
}

/** The Secret and the claim that a spec names; whoever may not see them is told what is assumed. */
async function readReferences(
  input: unknown,
  { namespace, api, caches, assumed }: Reading,
): Promise<void> {
  const verdict = validate(input);
  if (!verdict.ok) return;
  const { spec } = verdict;
  const read = async (
    type: ResourceType,
    ref: ObjectRef,
    assumption: { readonly object: KubeObject; readonly text: string },
  ): Promise<KubeObject | undefined> => {
    try {
      return await api.get(type, ref);
    } catch (error) {
      if (!(error instanceof KubeFailure) || error.reason !== 'Forbidden') throw error;
      if (!assumed.includes(assumption.text)) assumed.push(assumption.text);
      return assumption.object;
    }
  };
  const secret = { namespace, name: secretName(spec) };
  const keys = neededKeys(spec);
  const heldSecret = await read(secrets, secret, {
    object: {
      apiVersion: secrets.apiVersion,
      kind: secrets.kind,
      metadata: secret,
      data: Object.fromEntries(keys.map((key) => [key, 'unseen'])),
    },
    text: `You may not read Secret ${secret.name}; it is taken to exist with the keys ${keys.join(', ')}.`,
  });
  if (heldSecret !== undefined) caches.secrets.upsert(heldSecret);
  const claim = { namespace, name: spec.source.volume?.claimName ?? '' };
  const heldClaim = await read(claims, claim, {
    object: { apiVersion: claims.apiVersion, kind: claims.kind, metadata: claim },
    text: `You may not read PersistentVolumeClaim ${claim.name}; it is taken to exist.`,
  });
  if (heldClaim !== undefined) caches.claims.upsert(heldClaim);
}
