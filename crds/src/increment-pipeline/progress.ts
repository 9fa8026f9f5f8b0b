/**
 * What any gateway or worker of an IncrementPipeline reports at /progress: a look at the ledger and
 * the streams, the same whoever takes it. A hint for the operator, and the inputs of its scaling.
 */
import { Type, type Static } from 'typebox';
import { backendState } from '../conditions.ts';
import { Enum, object } from '../schema.ts';

const count = (description: string) => Type.Integer({ minimum: 0, format: 'int64', description });
const rate = (description: string) => Type.Optional(Type.Number({ minimum: 0, description }));

/** Counted in increments. Accepted = committed + deadLetters + duplicates + backlog, save what was lost. */
export const totals = object(
  {
    accepted: count(
      'In the streams of Redis or taken from them so far; answered with 200 or unanswered.',
    ),
    committed: count('Added to the table.'),
    duplicates: count('Repetitions of a committed request, recognised at the commit.'),
    deadLetters: count('Kept with a reason, because they cannot be added.'),
    lost: count(
      'Known to have been accepted and gone from Redis before their commit; at least so many.',
    ),
    incarnations: count('Times that streams had to begin anew because Redis had lost data.'),
  },
  { description: 'Increments by what became of them.' },
);
export type IncrementTotals = Static<typeof totals>;

export const progress = object(
  {
    state: Enum(['Starting', 'Waiting', 'Running'], {
      description: 'Whether it works, or waits for a backend.',
    }),
    reason: Type.Optional(Type.String({ maxLength: 64, description: 'Why it waits.' })),
    message: Type.Optional(
      Type.String({ maxLength: 2048, description: 'The same for people, with what to do next.' }),
    ),
    totals,
    backlog: object(
      {
        entries: count('Entries of the streams that are not committed.'),
        increments: count('Increments in them.'),
        bytes: count('Memory that the streams take in Redis.'),
        maxBytes: count('How much they may take.'),
      },
      { description: 'What waits to be committed.' },
    ),
    stalenessMs: count('Age of the oldest increment that is not committed; 0 without one.'),
    rates: object(
      {
        acceptedPerSecond: rate('Increments that came in, over the last ten seconds.'),
        committedPerSecond: rate('Increments that were committed, over the last ten seconds.'),
        perWorkerPerSecond: rate(
          'Increments that one worker commits while it is busy, over the last ten seconds.',
        ),
      },
      { description: 'Rates; left out until they are known.' },
    ),
    partitions: object(
      { total: count('Streams.'), owned: count('Streams that a living worker reads.') },
      { description: 'Streams.' },
    ),
    members: object(
      { gateways: count('Gateways that are alive.'), workers: count('Workers that are alive.') },
      { description: 'Processes, by their own signs of life in the ledger.' },
    ),
    durability: object(
      {
        ok: Type.Boolean({ description: 'Whether Redis is configured for what was asked.' }),
        message: Type.Optional(
          Type.String({ maxLength: 1024, description: 'Which setting is wrong, and the remedy.' }),
        ),
      },
      { description: 'What Redis promises.' },
    ),
    backends: Type.Array(backendState, {
      maxItems: 8,
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      description: 'Backends as the pod sees them.',
    }),
  },
  { description: 'How the pipeline is doing.' },
);
export type IncrementPipelineProgress = Static<typeof progress>;
