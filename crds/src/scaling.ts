/**
 * How many workers a resource needs, and how that was found: inputs, what bounded the number, and
 * the result. Every kind whose workers follow its work shows it in status in this one form.
 */
import { Type, type Static } from 'typebox';
import { object } from './schema.ts';

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
