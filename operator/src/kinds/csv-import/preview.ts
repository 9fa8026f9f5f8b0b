/**
 * What a pass would do to a CsvImport, for people who ask first. The caches of a pass are filled for
 * this one resource; everything that decides is what `reconcile.ts` uses too. Writes nothing.
 */
import { csvImportKind } from '@millrace/crds/csv-import';
import { Fault } from '@millrace/kit/fault';
import { keyOfObject } from '../../machinery/object-key.ts';
import type { KindPreview, PreviewInput } from '../../machinery/preview.ts';
import { childrenOf, previewCaches, storeOf } from '../../machinery/workload/caches.ts';
import { secretName, uidLabel } from '../../machinery/workload/names.ts';
import {
  readOrAssume,
  readSecret,
  type Reading,
} from '../../machinery/workload/preview-reading.ts';
import { ownedTypes } from '../../machinery/workload/resource-types.ts';
import { chooseSpec } from '../../machinery/workload/spec-choice.ts';
import { careFor } from './care.ts';
import { names } from './names.ts';
import { observe, type Caches } from './observe.ts';
import type { Observed } from './observed.ts';
import { plan } from './plan.ts';
import { neededKeys } from './prerequisites.ts';
import { claims, csvImports } from './resource-types.ts';
import { validate } from './validate.ts';

export const csvImportPreview: KindPreview = {
  type: csvImports,
  childTypes: ownedTypes,
  fieldManager: names.fieldManager,
  scaleManager: names.scaleManager,
  ledger: { whole: 'read', parts: ['loaded', 'superseded', 'rejected'], watched: 'rejected' },
  childLabels: ({ metadata }) => ({ [uidLabel]: metadata.uid ?? '' }),
  async preview(input) {
    const assumed: string[] = [];
    const { observed, caches } = await look(input, assumed);
    const { spec, obstacle, isPaused } = chooseSpec(observed, validate);
    const care = careFor({ image: input.image, spec, observed });
    const owner = observed.owner.uid;
    return {
      owner,
      plan: plan({ care, observed, now: input.now }),
      children: childrenOf(owner, caches),
      obstacle,
      isPaused,
      scaling: care?.scaling.choice,
      assumed,
    };
  },
};

async function look(
  { object, api, now }: PreviewInput,
  assumed: string[],
): Promise<{ readonly observed: Observed; readonly caches: Caches }> {
  const caches: Caches = {
    imports: storeOf([object]),
    claims: storeOf([]),
    ...(await previewCaches(object, { api, slug: csvImportKind.slug, now, assumed })),
  };
  const observed = observe(keyOfObject(object), caches, () => undefined);
  if (observed === undefined) throw new Fault('a resource to preview must have a uid');
  for (const spec of [observed.spec, observed.lastSpec]) {
    await readReferences(spec, { namespace: object.metadata.namespace, api, caches, assumed });
  }
  return { observed, caches };
}

/** The Secret and the claim that a spec names; whoever may not see them is told what is assumed. */
async function readReferences(
  input: unknown,
  {
    namespace,
    caches,
    ...reading
  }: Reading & { readonly namespace: string; readonly caches: Caches },
): Promise<void> {
  const verdict = validate(input);
  if (!verdict.ok) return;
  const { spec } = verdict;
  const secret = await readSecret(reading, { namespace, name: secretName(spec) }, neededKeys(spec));
  if (secret !== undefined) caches.secrets.upsert(secret);
  if (spec.source.volume === undefined) return;
  const ref = { namespace, name: spec.source.volume.claimName };
  const claim = await readOrAssume(
    reading,
    { type: claims, ref },
    {
      object: { apiVersion: claims.apiVersion, kind: claims.kind, metadata: ref },
      text: `You may not read PersistentVolumeClaim ${ref.name}; it is taken to exist.`,
    },
  );
  if (claim !== undefined) caches.claims.upsert(claim);
}
