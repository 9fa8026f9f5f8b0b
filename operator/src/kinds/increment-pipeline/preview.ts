/**
 * What a pass would do to an IncrementPipeline, for people who ask first. The caches of a pass are
 * filled for this one resource; everything that decides is what `reconcile.ts` uses too. Writes nothing.
 */
import {
  incrementPipelineKind,
  type IncrementPipelineStatus,
} from '@millrace/crds/increment-pipeline';
import { Fault } from '@millrace/kit/fault';
import { keyOfObject } from '../../machinery/object-key.ts';
import type { KindPreview, PreviewInput } from '../../machinery/preview.ts';
import { childrenOf, previewCaches, storeOf } from '../../machinery/workload/caches.ts';
import { secretName, uidLabel } from '../../machinery/workload/names.ts';
import { readSecret } from '../../machinery/workload/preview-reading.ts';
import { ownedTypes } from '../../machinery/workload/resource-types.ts';
import { chooseSpec } from '../../machinery/workload/spec-choice.ts';
import { careFor } from './care.ts';
import { names } from './names.ts';
import { nothingRecalled, observe, type Caches } from './observe.ts';
import type { Observed } from './observed.ts';
import { plan } from './plan.ts';
import { neededKeys } from './prerequisites.ts';
import { incrementPipelines } from './resource-types.ts';
import { validate } from './validate.ts';

export const incrementPipelinePreview: KindPreview = {
  type: incrementPipelines,
  childTypes: ownedTypes,
  fieldManager: names.fieldManager,
  scaleManager: names.scaleManager,
  ledger: {
    whole: 'accepted',
    parts: ['committed', 'duplicates', 'deadLetters', 'lost'],
    pending: {
      part: 'backlog',
      of: (status) => (status as IncrementPipelineStatus).progress?.backlog.increments ?? 0,
    },
    watched: 'deadLetters',
  },
  childLabels: ({ metadata }) => ({ [uidLabel]: metadata.uid ?? '' }),
  async preview(input) {
    const assumed: string[] = [];
    const { observed, caches } = await look(input, assumed);
    const { spec, obstacle, isPaused } = chooseSpec(observed, validate);
    const { image, now } = input;
    const care = careFor({ spec, observed, image, now });
    const owner = observed.owner.uid;
    const children = childrenOf(owner, caches);
    const steps = plan({ care, observed });
    const scaling = care?.scaling.choice;
    return { owner, plan: steps, children, obstacle, isPaused, scaling, assumed };
  },
};

async function look(
  { object, api, now }: PreviewInput,
  assumed: string[],
): Promise<{ readonly observed: Observed; readonly caches: Caches }> {
  const { slug } = incrementPipelineKind;
  const pipelines = storeOf([object]);
  const caches = { pipelines, ...(await previewCaches(object, { api, slug, now, assumed })) };
  const observed = observe(keyOfObject(object), caches, () => nothingRecalled);
  if (observed === undefined) throw new Fault('a resource to preview must have a uid');
  const { namespace } = object.metadata;
  for (const given of [observed.spec, observed.lastSpec]) {
    const verdict = validate(given);
    if (!verdict.ok) continue;
    const ref = { namespace, name: secretName(verdict.spec) };
    const held = await readSecret({ api, assumed }, ref, neededKeys(verdict.spec));
    if (held !== undefined) caches.secrets.upsert(held);
  }
  return { observed, caches };
}
