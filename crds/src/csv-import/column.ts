/** One column of the target: its name, where its values come from, and how they are read. */
import { Type, type Static } from 'typebox';
import { Enum, IntOrString, object, rule } from '../schema.ts';

/** What Postgres takes without quoting: nobody has to remember the case of a table later. */
export const identifier = '^[a-z_][a-z0-9_]*$';

const from = rule(
  IntOrString({
    maxLength: 1024,
    description: 'Header name, or 0-based position; its own name if left out.',
  }),
  'type(self) == string ? self.size() > 0 : self >= 0 && self < 100000',
  'from must be a header name or a position from 0 to 99999',
);

const fields = object(
  {
    name: Type.String({
      pattern: identifier,
      minLength: 1,
      maxLength: 63,
      description:
        'Column of the table: lower-case letters, digits and underscores, not starting with a digit.',
    }),
    from: Type.Optional(from),
    type: Enum(
      ['text', 'integer', 'bigint', 'decimal', 'boolean', 'date', 'timestamp', 'uuid', 'json'],
      { description: 'Type of the column.' },
    ),
    format: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 64,
        description:
          'For timestamp: RFC3339 (default), EpochSeconds, EpochMillis, EpochMicros; for date and timestamp also a pattern of yyyy MM dd HH mm ss SSS, such as dd.MM.yyyy.',
      }),
    ),
    nullValues: Type.Optional(
      Type.Array(Type.String({ maxLength: 256, description: 'One spelling.' }), {
        maxItems: 16,
        'x-kubernetes-list-type': 'set',
        description: 'Spellings that mean NULL, compared exactly.',
      }),
    ),
    allowNegative: Type.Optional(
      Type.Boolean({ description: 'For timestamp in an epoch format: accept times before 1970.' }),
    ),
    sealed: Type.Optional(
      Type.Boolean({
        description:
          'Store values encrypted (AES-256-GCM) in a bytea column, under the active key of SEALING_KEYS; the raw bytes of rejects are sealed too.',
      }),
    ),
    searchable: Type.Optional(
      Type.Boolean({
        description:
          'For sealed text: keep a blind index in <name>_bidx, so that lists can be filtered by equality.',
      }),
    ),
  },
  { description: 'One column of the table.' },
);
rule(fields, "self.name != '_millrace_pos'", {
  message: '_millrace_pos is kept by Millrace itself; rename the column and set from to its header',
  fieldPath: '.name',
});
rule(fields, "!has(self.format) || self.type in ['date', 'timestamp']", {
  message: 'format is for columns of type date and timestamp; remove it or change type',
  fieldPath: '.format',
});
rule(
  fields,
  "!has(self.format) || !(self.type in ['date', 'timestamp']) || (self.type == 'timestamp' && self.format in ['RFC3339', 'EpochSeconds', 'EpochMillis', 'EpochMicros']) || self.format.matches('^(yyyy|MM|dd|HH|mm|ss|SSS|[^A-SU-Ya-z])+$')",
  {
    message:
      'format must be a pattern of yyyy MM dd HH mm ss SSS, or for timestamp one of RFC3339, EpochSeconds, EpochMillis, EpochMicros',
    fieldPath: '.format',
  },
);
rule(fields, "!has(self.allowNegative) || self.type == 'timestamp'", {
  message: 'allowNegative is for columns of type timestamp; remove it or change type',
  fieldPath: '.allowNegative',
});

rule(fields, '!has(self.searchable) || !self.searchable || (has(self.sealed) && self.sealed)', {
  message:
    'searchable is for sealed columns; set sealed, or list the column in serve.filters instead',
  fieldPath: '.searchable',
});
rule(fields, "!has(self.searchable) || !self.searchable || self.type == 'text'", {
  message: 'searchable is for columns of type text; remove it or change type',
  fieldPath: '.searchable',
});
rule(fields, '!has(self.searchable) || !self.searchable || self.name.size() <= 58', {
  message: 'a searchable column has a name of at most 58 characters, since _bidx is added to it',
  fieldPath: '.name',
});

export const column = fields;
export type ColumnSpec = Static<typeof column>;
