/** What the operator observed of an IncrementPipeline; nobody else writes it. */
import { Type, type Static } from 'typebox';
import { conditionList } from '../conditions.ts';
import { intent, waitingList } from '../operator-notes.ts';
import { recommendation, scalingStatus } from '../scaling.ts';
import { object } from '../schema.ts';
import { progress, totals } from './progress.ts';

export const status = object(
  {
    observedGeneration: Type.Integer({
      minimum: -1,
      default: -1,
      description: 'The generation this status was computed from.',
    }),
    conditions: Type.Optional(conditionList()),
    totals: Type.Optional(totals),
    progress: Type.Optional(progress),
    workers: Type.Optional(
      object(
        {
          wanted: Type.Integer({ minimum: 0, description: 'Wanted now, within the bounds.' }),
          ready: Type.Integer({ minimum: 0, description: 'Ready.' }),
        },
        { description: 'Workers.' },
      ),
    ),
    gateways: Type.Optional(
      object(
        { ready: Type.Integer({ minimum: 0, description: 'Ready.' }) },
        { description: 'Gateways.' },
      ),
    ),
    recommendation: Type.Optional(recommendation),
    scaling: Type.Optional(scalingStatus),
    runtimeImage: Type.Optional(
      Type.String({
        maxLength: 512,
        description:
          'Image of the pods. Kept through upgrades of the operator until what they read of the spec changes, or the ConfigMap of the pipeline is deleted.',
      }),
    ),
    waiting: Type.Optional(waitingList()),
    intent: Type.Optional(intent),
    plan: Type.Optional(
      Type.Array(Type.String({ maxLength: 256, description: 'One step and its reason.' }), {
        maxItems: 32,
        'x-kubernetes-list-type': 'atomic',
        description: 'Steps of the last pass that changed anything.',
      }),
    ),
  },
  { description: 'What was observed; written by the operator only.' },
);
export type IncrementPipelineStatus = Static<typeof status>;
