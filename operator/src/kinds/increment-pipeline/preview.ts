/** What a pass would do to a IncrementPipeline, for people who ask first. Writes nothing. */
import { Fault } from '@millrace/kit/fault';
import { keyOfObject } from '../../machinery/object-key.ts';
import type { KindPreview } from '../../machinery/preview.ts';
import { Store } from '../../machinery/store.ts';
import { fieldManager, kindLabel, managedBy, scaleManager, uidLabel } from './names.ts';
import { childIndex, observe, ownedByUid } from './observe.ts';
import { plan } from './plan.ts';
import { chooseSpec } from './reconcile.ts';
import { incrementPipelines, ownedTypes } from './resource-types.ts';

export const incrementPipelinePreview: KindPreview = {
  type: incrementPipelines,
  childTypes: ownedTypes,
  fieldManager,
  scaleManager,
  childLabels: ({ metadata }) => ({ [uidLabel]: metadata.uid ?? '' }),
  async preview({ object, api, image }) {
    const { namespace } = object.metadata;
    const labels = { ...managedBy, [kindLabel]: 'increment-pipeline' };
    const resources = new Store();
    resources.upsert(object);
    const owned = new Map<(typeof ownedTypes)[number], Store>();
    for (const type of ownedTypes) {
      const store = new Store({ indexes: { [ownedByUid]: childIndex } });
      for (const child of (await api.list(type, { namespace, labels })).items) store.upsert(child);
      owned.set(type, store);
    }
    const observed = observe(keyOfObject(object), { resources, owned });
    if (observed === undefined) throw new Fault('a resource to preview must have a uid');
    const { spec, obstacle, isPaused } = chooseSpec(observed);
    return {
      owner: observed.owner.uid,
      plan: plan({ spec, observed, image }),
      children: observed.children,
      obstacle,
      isPaused,
      assumed: [],
    };
  },
};
