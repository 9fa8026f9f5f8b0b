/**
 * What a user asks of a CsvImport.
 *
 * Holds only what works; a field arrives with what it does. Rules that need more than one field are
 * CEL, so that the API server refuses a wrong value with a message that names the remedy; what CEL
 * cannot say is repeated in the operator's validate step.
 */
import { Type, type Static, type TSchema } from 'typebox';
import { auth } from '../http.ts';
import { scalingSpec } from '../scaling.ts';
import {
  Enum,
  GoDuration,
  Quantity,
  goDuration,
  object,
  quantityBytes,
  rule,
  type RuleText,
} from '../schema.ts';
import { column, identifier } from './column.ts';
import { format } from './format.ts';

const objectName = '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$';

/** What refuses the change of a field that decides which data is loaded, or how. */
function immutable(
  field: string,
  { verb = 'is', ...place }: { readonly verb?: 'is' | 'are'; readonly fieldPath?: string } = {},
): RuleText {
  const message = `${field} ${verb} immutable; create a new CsvImport instead`;
  return { message, reason: 'FieldValueForbidden', ...place };
}

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
  {
    message: 'name the claim and the path of the file',
    fieldPath: '.volume',
    reason: 'FieldValueRequired',
  },
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
  {
    message: 'workers.min must not be greater than workers.max, which is 4 if left out',
    fieldPath: '.min',
  },
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
    `${limit.field} must be a size from 1Ki to ${limit.max}, such as 16Mi`,
  );
}

export const spec = object(
  {
    source: rule(source, 'self == oldSelf', immutable('source')),
    format: Type.Optional(rule(format, 'self == oldSelf', immutable('format'))),
    columns: Type.Optional(
      rule(
        Type.Array(column, {
          minItems: 1,
          maxItems: 512,
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['name'],
          description:
            'Columns to load, in table order; left out, every header column is loaded as text.',
        }),
        // A server compares keyed lists without regard to order, and the order is the table's.
        'self == oldSelf && self.map(c, c.name) == oldSelf.map(c, c.name)',
        immutable('columns and their order', { verb: 'are' }),
      ),
    ),
    target: rule(target, 'self == oldSelf', immutable('target')),
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
              `self.matches('${goDuration}') && duration(self) >= duration('1s') && duration(self) <= duration('720h')`,
              'cache.ttl must be a duration from 1s to 720h, such as 90s or 1h30m',
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
          auth: Type.Optional(auth),
        },
        { description: 'The HTTP gateway.' },
      ),
    ),
    workers: Type.Optional(workersSpec),
    scaling: Type.Optional(scalingSpec),
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
        immutable('chunkBytes'),
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
        immutable('maxRecordBytes'),
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
  {
    message: 'target.key names a column that columns does not list',
    messageExpression:
      "'target.key names ' + self.target.key.filter(k, !self.columns.exists(c, c.name == k))[0] + ', which columns does not list'",
    fieldPath: '.target.key',
  },
);
rule(
  spec,
  '!has(self.serve) || !has(self.serve.filters) || !has(self.columns) || self.serve.filters.all(f, self.columns.exists(c, c.name == f && c.type == "text"))',
  {
    message: 'serve.filters must name columns of type text',
    messageExpression:
      "'serve.filters must name columns of type text; not ' + self.serve.filters.filter(f, !self.columns.exists(c, c.name == f && c.type == 'text'))[0]",
    fieldPath: '.serve.filters',
  },
);
rule(
  spec,
  "!has(self.serve) || !has(self.serve.filters) || self.serve.filters.all(f, f != 'limit' && f != 'cursor')",
  {
    message:
      'serve.filters must not name limit or cursor, which page through lists; rename the column',
    fieldPath: '.serve.filters',
  },
);
rule(
  spec,
  "!has(self.target.key) || !has(self.columns) || !self.columns.exists(c, c.type == 'json' && c.name in self.target.key)",
  {
    message:
      'target.key must not name a column of type json, which cannot be compared; make it text',
    fieldPath: '.target.key',
  },
);
// A rule at the field itself is not asked when the field appears or goes.
rule(
  spec,
  'has(self.format) == has(oldSelf.format)',
  immutable('format', { fieldPath: '.format' }),
);
rule(
  spec,
  'has(self.columns) == has(oldSelf.columns)',
  immutable('columns', { verb: 'are', fieldPath: '.columns' }),
);
rule(
  spec,
  'has(self.chunkBytes) == has(oldSelf.chunkBytes)',
  immutable('chunkBytes', { fieldPath: '.chunkBytes' }),
);
rule(
  spec,
  'has(self.maxRecordBytes) == has(oldSelf.maxRecordBytes)',
  immutable('maxRecordBytes', { fieldPath: '.maxRecordBytes' }),
);
export type CsvImportSpec = Static<typeof spec>;
