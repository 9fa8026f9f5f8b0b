/**
 * What a user asks of a CsvImport.
 *
 * Holds only what works; a field arrives with what it does. Rules that need more than one field are
 * CEL, so that the API server refuses a wrong value with a message that names the remedy; what CEL
 * cannot say is repeated in the operator's validate step.
 */
import { Type, type Static, type TSchema } from 'typebox';
import { Enum, GoDuration, Quantity, object, quantityBytes, rule } from '../schema.ts';
import { column, identifier } from './column.ts';
import { format } from './format.ts';

const objectName = '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$';

const source = rule(
  object(
    {
      volume: Type.Optional(
        object(
          {
            claimName: Type.String({
              pattern: objectName,
              minLength: 1,
              maxLength: 253,
              description: 'Name of a PersistentVolumeClaim in the same namespace.',
            }),
            path: rule(
              Type.String({
                minLength: 1,
                maxLength: 1024,
                description: 'Path of the file inside the volume, without a leading slash.',
              }),
              "!self.startsWith('/') && !self.matches('(^|/)[.][.](/|$)')",
              'path must stay inside the volume: no leading slash and no .. in it',
            ),
          },
          { description: 'A file on a volume.' },
        ),
      ),
    },
    { description: 'Where the CSV is; exactly one of its fields.' },
  ),
  'has(self.volume)',
  'source.volume is required: name the claim and the path of the file',
);

const target = object(
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
      Enum(['LatestWins', 'FirstWins'], {
        description:
          'Which record of one key is kept: the last of the file (default) or the first.',
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

const workersSpec = rule(
  object(
    {
      min: Type.Optional(
        Type.Integer({
          minimum: 0,
          maximum: 64,
          description: 'Fewest workers while loading; default 0.',
        }),
      ),
      max: Type.Optional(
        Type.Integer({ minimum: 1, maximum: 64, description: 'Most workers; default 4.' }),
      ),
    },
    { description: 'Bounds for the number of workers.' },
  ),
  '!has(self.min) || self.min <= (has(self.max) ? self.max : 4)',
  'workers.min must not be greater than workers.max, which is 4 if left out',
);

/** From 1Ki to `max`: whole numbers are bytes, and CEL compares the two notations differently. */
function sized<T extends TSchema>(
  schema: T,
  limit: { readonly field: string; readonly max: string },
): T {
  const bytes = quantityBytes(limit.max);
  return rule(
    schema,
    `type(self) == int ? self >= 1024 && self <= ${bytes} : isQuantity(self) && quantity(self).compareTo(quantity('1Ki')) >= 0 && quantity(self).compareTo(quantity('${limit.max}')) <= 0`,
    `${limit.field} must be from 1Ki to ${limit.max}`,
  );
}

export const spec = object(
  {
    source: rule(source, 'self == oldSelf', 'source is immutable; create a new CsvImport instead'),
    format: Type.Optional(
      rule(format, 'self == oldSelf', 'format is immutable; create a new CsvImport instead'),
    ),
    columns: Type.Optional(
      rule(
        rule(
          Type.Array(column, {
            minItems: 1,
            maxItems: 512,
            'x-kubernetes-list-type': 'map',
            'x-kubernetes-list-map-keys': ['name'],
            description:
              'Columns to load, in table order; left out, every header column is loaded as text.',
          }),
          'self == oldSelf',
          'columns are immutable; create a new CsvImport instead',
        ),
        // A server compares keyed lists without regard to order, and the order is the table's.
        'self.map(c, c.name) == oldSelf.map(c, c.name)',
        'columns keep their order; create a new CsvImport instead',
      ),
    ),
    target: rule(target, 'self == oldSelf', 'target is immutable; create a new CsvImport instead'),
    rejects: Type.Optional(
      object(
        {
          maxRows: Type.Optional(
            Type.Integer({
              minimum: 0,
              maximum: 1_000_000_000,
              description: 'Most records that may be rejected; default 1000.',
            }),
          ),
          maxPercent: Type.Optional(
            Type.Integer({
              minimum: 0,
              maximum: 100,
              description:
                'Largest share of records that may be rejected, judged on the whole file; default 100.',
            }),
          ),
        },
        {
          description:
            'How many bad records are acceptable. Raising it resumes an import that it failed.',
        },
      ),
    ),
    cache: Type.Optional(
      object(
        {
          mode: Type.Optional(
            Enum(['Off', 'Invalidate'], {
              description:
                'Off (default; write "Off", since kubectl reads a bare Off as false): reads go to Postgres. Invalidate: reads are cached in Redis and made stale by each chunk.',
            }),
          ),
          ttl: Type.Optional(
            rule(
              GoDuration({
                description: 'Longest life of a cached row, such as 90s or 1h30m; default 2m.',
              }),
              "duration(self) >= duration('1s') && duration(self) <= duration('720h')",
              'cache.ttl must be from 1s to 720h',
            ),
          ),
        },
        { description: 'Cache of the gateway.' },
      ),
    ),
    serve: Type.Optional(
      object(
        {
          enabled: Type.Optional(
            Type.Boolean({ description: 'Serve the table over HTTP; default false.' }),
          ),
          replicas: Type.Optional(
            Type.Integer({ minimum: 1, maximum: 64, description: 'Gateways; default 1.' }),
          ),
          filters: Type.Optional(
            Type.Array(
              Type.String({
                pattern: identifier,
                maxLength: 63,
                description: 'Name of a column of the table, in lower case.',
              }),
              {
                maxItems: 16,
                'x-kubernetes-list-type': 'set',
                description: 'Text columns that lists can be filtered by.',
              },
            ),
          ),
        },
        { description: 'The HTTP gateway.' },
      ),
    ),
    workers: Type.Optional(workersSpec),
    chunkBytes: Type.Optional(
      rule(
        sized(
          Quantity({ description: 'Size of one unit of work, from 1Ki to 256Mi; default 16Mi.' }),
          {
            field: 'chunkBytes',
            max: '256Mi',
          },
        ),
        'self == oldSelf',
        'chunkBytes is immutable; create a new CsvImport instead',
      ),
    ),
    maxRecordBytes: Type.Optional(
      rule(
        sized(
          Quantity({
            description:
              'Longest record, from 1Ki to 64Mi; a longer one is rejected. Default 16Mi.',
          }),
          { field: 'maxRecordBytes', max: '64Mi' },
        ),
        'self == oldSelf',
        'maxRecordBytes is immutable; create a new CsvImport instead',
      ),
    ),
    suspend: Type.Optional(
      Type.Boolean({ description: 'Drain and stop the loading; what is loaded stays served.' }),
    ),
    paused: Type.Optional(
      Type.Boolean({ description: 'Keep the operator from touching anything of this resource.' }),
    ),
    backends: Type.Optional(
      object(
        {
          secretName: Type.Optional(
            Type.String({
              pattern: objectName,
              minLength: 1,
              maxLength: 253,
              description:
                'Name of the Secret with the connection URLs; default millrace-backends.',
            }),
          ),
        },
        { description: 'Where Postgres, RabbitMQ and Redis are.' },
      ),
    ),
  },
  { description: 'One import of one CSV into one table.' },
);
rule(
  spec,
  '!has(self.target.key) || !has(self.columns) || self.target.key.all(k, self.columns.exists(c, c.name == k))',
  'target.key names a column that columns does not list',
);
rule(
  spec,
  '!has(self.serve) || !has(self.serve.filters) || !has(self.columns) || self.serve.filters.all(f, self.columns.exists(c, c.name == f && c.type == "text"))',
  'serve.filters must name columns of type text',
);
rule(
  spec,
  "!has(self.serve) || !has(self.serve.filters) || self.serve.filters.all(f, f != 'limit' && f != 'cursor')",
  'serve.filters must not name limit or cursor, which page through lists; rename the column',
);
rule(
  spec,
  "!has(self.target.key) || !has(self.columns) || !self.columns.exists(c, c.type == 'json' && c.name in self.target.key)",
  'target.key must not name a column of type json, which cannot be compared; make it text',
);
rule(
  spec,
  'has(self.format) == has(oldSelf.format)',
  'format is immutable; create a new CsvImport instead',
);
rule(
  spec,
  'has(self.columns) == has(oldSelf.columns)',
  'columns are immutable; create a new CsvImport instead',
);
rule(
  spec,
  'has(self.chunkBytes) == has(oldSelf.chunkBytes)',
  'chunkBytes is immutable; create a new CsvImport instead',
);
rule(
  spec,
  'has(self.maxRecordBytes) == has(oldSelf.maxRecordBytes)',
  'maxRecordBytes is immutable; create a new CsvImport instead',
);
export type CsvImportSpec = Static<typeof spec>;
