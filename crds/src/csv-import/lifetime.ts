/** How long an import stays once it has ended, and what becomes of its data when it goes. */
import { Type } from 'typebox';
import { Enum, GoDuration, goDuration, rule } from '../schema.ts';

export const deletionPolicy = Type.Optional(
  Enum(['Retain', 'Purge'], {
    description:
      'What becomes of the data when the resource is deleted. Retain (default): it stays as it is. Purge: its rejects and its part of the ledger go; so do its rows if Millrace made the table, and the table with the last import that loaded it. A table that Millrace did not make keeps all rows.',
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
