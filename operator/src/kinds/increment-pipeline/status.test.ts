import { Compile } from 'typebox/compile';
import { status as statusSchema } from '@millrace/crds/increment-pipeline';
import { expect, it } from 'vitest';
import { conditionOf } from '../../machinery/conditions.ts';
import { emptyPlan } from '../../machinery/step.ts';
import { status, type StatusInput } from './status.ts';

const owner = { namespace: 'team', name: 'example', uid: 'uid' };
const input: StatusInput = {
  observed: {
    owner,
    resource: { apiVersion: 'millrace.dev/v1alpha1', kind: 'IncrementPipeline', metadata: owner },
    generation: 1,
    isDeleting: false,
    spec: {},
    status: undefined,
    children: [],
  },
  spec: {},
  plan: emptyPlan,
  obstacle: undefined,
  isPaused: false,
  changed: [],
  now: '2030-01-01T00:00:00.000Z',
};

it('fits the schema and says what is wrong', () => {
  const made = status({ ...input, obstacle: { reason: 'InvalidSpec', message: 'No.' } });

  expect([...Compile(statusSchema).Errors(made)]).toEqual([]);
  expect(conditionOf(made.conditions, 'Stalled')).toMatchObject({ reason: 'InvalidSpec' });
  expect(made.waiting).toMatchObject([
    { what: 'a valid spec', object: 'IncrementPipeline/example' },
  ]);
});

it('knows states of its own', () => {
  expect(
    conditionOf(status(input).conditions, 'Ready')?.reason,
    'Write operator/src/kinds/increment-pipeline/conditions.ts and waits.ts: when it is Ready, and what it waits for until then, on which object.',
  ).not.toBe('NotPlanned');
});
