/**
 * What the operator writes into the status of every kind for its successor and for `millrace why`.
 *
 * `waiting` says what the next pass needs: written when it changes, so that it holds no counter and
 * no time of a next try. `intent` is a write-ahead log of one entry: an irreversible step is
 * in it before it is taken, and a successor that finds it there asks whether the step has happened.
 * Whoever writes either clips its texts to the bounds: an API server refuses the whole status for
 * one text that is too long.
 */
import { Type, type Static } from 'typebox';
import { object } from './schema.ts';

const time = (description: string) => Type.String({ maxLength: 32, description });

const waiting = object(
  {
    what: Type.String({ maxLength: 512, description: 'What has to come true.' }),
    object: Type.Optional(
      Type.String({ maxLength: 320, description: 'The object it hangs on, as Kind/name.' }),
    ),
    since: time('Since when (RFC 3339, UTC).'),
    retrySeconds: Type.Optional(
      Type.Integer({
        minimum: 1,
        description:
          'Looked at again after so many seconds at the latest; without it, when the object changes.',
      }),
    ),
  },
  { description: 'One thing waited for.' },
);
export type Waiting = Static<typeof waiting>;

/** Entries are told apart by `what`: it names the thing, and `since` stays while it is the same. */
export function waitingList(): ReturnType<typeof Type.Array<typeof waiting>> {
  return Type.Array(waiting, {
    maxItems: 8,
    description: 'What the resource waits for, most pressing first.',
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['what'],
  });
}

export const intent = object(
  {
    step: Type.String({ maxLength: 256, description: 'The step, as in plan.' }),
    uid: Type.String({ maxLength: 64, description: 'Uid of the object it is done to.' }),
    epoch: Type.Integer({
      minimum: 0,
      description: 'The leader that is about to do it; one of a lower epoch must not act.',
    }),
    at: time('When it was written (RFC 3339, UTC).'),
  },
  { description: 'An irreversible step, written down before it is taken.' },
);
export type Intent = Static<typeof intent>;
