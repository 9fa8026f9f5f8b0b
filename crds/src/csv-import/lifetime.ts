/** How long an import stays once it has ended, and what becomes of its data when it goes. */
import { Type } from 'typebox';
import { Enum, GoDuration, goDuration, rule } from '../schema.ts';

export const deletionPolicy = Type.Optional(
  Enum(['Retain', 'Purge'], {
    description:
      'What becomes of the data when the resource is deleted. Retain (default): it stays as it is. Purge: the rows of this import go, with its rejects and its part of the ledger; the table too, if Millrace made it and no other import has loaded it.',
  }),
);

export const ttlAfterFinished = Type.Optional(
  rule(
    GoDuration({
      description:
        'How long the resource is kept once it is Complete or Failed, such as 24h; then it is deleted as deletionPolicy says. Left out, it is kept.',
    }),
    `self.matches('${goDuration}') && duration(self) >= duration('1s') && duration(self) <= duration('8760h')`,
    'ttlAfterFinished must be a duration from 1s to 8760h, such as 24h',
  ),
);
