/**
 * Who scales the workers of a resource, how many it needs, and how that was found: inputs, what
 * bounded the number, and the result. Every kind whose workers follow its work asks and shows it in
 * this one form; `status.scaling` is what autoscalers of the cluster are told, and nothing else is.
 */
import { Type, type Static } from 'typebox';
import { Enum, object } from './schema.ts';

/** What publishes the number of workers, once it is known which of them the cluster has. */
export const scalingDrivers = ['HPA', 'KEDA', 'Direct'] as const;
export type ScalingDriver = (typeof scalingDrivers)[number];

export const scalingSpec = object(
  {
    driver: Type.Optional(
      Enum(['Auto', ...scalingDrivers], {
        description:
          'What scales the workers within spec.workers. HPA: a HorizontalPodAutoscaler on the external metric millrace-workers-needed. KEDA: a ScaledObject. Direct: the operator itself. Auto (default): HPA where the external metrics API is that of Millrace, KEDA where it is that of KEDA, else Direct; see the condition AutoscalingReady.',
      }),
    ),
  },
  { description: 'How the number of workers is brought about.' },
);
export type ScalingSpec = Static<typeof scalingSpec>;

export const scalingStatus = object(
  {
    driver: Enum(scalingDrivers, { description: 'What scales the workers now.' }),
    needed: Type.String({
      pattern: '^[0-9]{1,6}m$',
      maxLength: 7,
      description: 'Workers needed, in thousandths, such as 2000m: what autoscalers are told.',
    }),
    at: Type.String({
      maxLength: 32,
      description: 'When this was decided (RFC 3339, UTC).',
    }),
    why: Type.String({ maxLength: 256, description: 'Why as many, when it was decided.' }),
  },
  { description: 'What scales the workers, and what it is told.' },
);
export type ScalingStatus = Static<typeof scalingStatus>;

const figure = (description: string) => Type.Optional(Type.Number({ minimum: 0, description }));

export const recommendation = object(
  {
    wanted: Type.Integer({ minimum: 0, description: 'Workers wanted.' }),
    raw: figure('Workers that the arithmetic asks for, before any bound.'),
    why: Type.String({ maxLength: 256, description: 'The arithmetic in words.' }),
    bounds: Type.Array(
      Type.String({ maxLength: 160, description: 'One bound that changed the number.' }),
      {
        maxItems: 8,
        'x-kubernetes-list-type': 'atomic',
        description: 'What bounded the number, in order.',
      },
    ),
    inputs: object(
      {
        arrivalPerSecond: figure('Units of work that come in.'),
        perWorkerPerSecond: figure('Units that one worker does while it is busy.'),
        backlog: figure('Units that wait.'),
        oldestAgeSeconds: figure('Age of the oldest of them.'),
        objectiveSeconds: figure('How old it may become.'),
        startSeconds: figure('What a worker takes from its making until it is ready.'),
        usefulMax: figure('More workers than this have nothing to do.'),
        present: figure('Workers at the time.'),
      },
      { description: 'What it was computed from.' },
    ),
    lowerSince: Type.Optional(
      Type.String({
        maxLength: 32,
        description:
          'Since when fewer would do (RFC 3339, UTC); the number falls when that has lasted.',
      }),
    ),
  },
  { description: 'How many workers are needed, and why.' },
);
export type Recommendation = Static<typeof recommendation>;
