import { expect, it } from 'vitest';
import { emptyPlan } from '../../machinery/step.ts';
import type { Observed } from './observed.ts';
import { plan } from './plan.ts';

const owner = { namespace: 'team', name: 'example', uid: 'uid' };
const observed: Observed = {
  owner,
  resource: { apiVersion: 'millrace.dev/v1alpha1', kind: 'IncrementPipeline', metadata: owner },
  generation: 1,
  isDeleting: false,
  spec: {},
  status: undefined,
  children: [],
};

it('is empty while the resource is being deleted, and without any valid spec', () => {
  const input = { spec: {}, observed, image: 'image' };

  expect(plan({ ...input, observed: { ...observed, isDeleting: true } })).toEqual(emptyPlan);
  expect(plan({ ...input, spec: undefined })).toEqual(emptyPlan);
});

it('makes the children in the order of need', () => {
  expect(
    plan({ spec: {}, observed, image: 'image' }).steps,
    'Write operator/src/kinds/increment-pipeline/children/ and plan.ts: one builder a child, the configuration before whoever reads it; list their types in resource-types.ts.',
  ).not.toEqual([]);
});
