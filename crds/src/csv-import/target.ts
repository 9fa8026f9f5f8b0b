/** Which table is loaded, what identifies a row of it, and which record of one key is kept. */
import { Type } from 'typebox';
import { Enum, object, rule } from '../schema.ts';
import { identifier } from './column.ts';

export const target = object(
  {
    table: rule(
      Type.String({
        pattern: identifier,
        minLength: 1,
        maxLength: 55,
        description:
          'Table to load; created if absent. At most 55 lower-case letters, digits and underscores, not starting with a digit.',
      }),
      "!self.endsWith('_rejects')",
      'names ending in _rejects are kept for the tables of rejected records; choose another table',
    ),
    key: Type.Optional(
      rule(
        Type.Array(
          Type.String({
            pattern: identifier,
            maxLength: 63,
            description: 'Name of a column of the table, in lower case.',
          }),
          {
            minItems: 1,
            maxItems: 8,
            'x-kubernetes-list-type': 'atomic',
            description: 'Columns that identify a row; left out, every record becomes a row.',
          },
        ),
        'self.all(k, self.exists_one(other, other == k))',
        'key must name each column once',
      ),
    ),
    onConflict: Type.Optional(
      Enum(['LatestWins', 'FirstWins', 'Fail'], {
        description:
          'Which record of one key is kept: the last of the file (default) or the first; Fail lets the import fail at its end if a key repeats or the table held one before.',
      }),
    ),
    adopt: Type.Optional(
      Type.Boolean({
        description: 'Add the _millrace_pos column to a table that Millrace did not create.',
      }),
    ),
  },
  { description: 'Where rows go.' },
);
