/**
 * What a user asks of a CsvImport.
 *
 * Holds only what works; a field arrives with what it does. Rules that need more than one field are
 * CEL, so that the API server refuses a wrong value with a message that names the remedy; what CEL
 * cannot say is repeated in the operator's validate step.
 */
import { Type, type Static } from 'typebox';
import { Enum, GoDuration, IntOrString, Quantity, object, rule } from '../schema.ts';

export const identifier = '^[a-z_][a-z0-9_]*$';

const source = rule(
  object(
    {
      volume: Type.Optional(
        object(
          {
            claimName: Type.String({
              minLength: 1,
              maxLength: 253,
              description: 'PersistentVolumeClaim in the same namespace.',
            }),
            path: Type.String({
              minLength: 1,
              maxLength: 1024,
              description: 'Path of the file inside the volume, without a leading slash.',
            }),
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

/** The file's dialect. `Auto` is decided by reading the file; every field can be fixed. */
export const format = object(
  {
    header: Type.Optional(
      Enum(['Auto', 'Present', 'Absent'], {
        description: 'Whether the first record names the columns.',
      }),
    ),
    delimiter: Type.Optional(
      Type.String({
        pattern: '^(Auto|[^A-Za-z0-9"\'\\\\\\r\\n])$',
        maxLength: 4,
        description: 'Auto, or the one character between fields, such as , ; | or a tab.',
      }),
    ),
    quote: Type.Optional(
      Enum(['Auto', '"', "'", 'None'], { description: 'The character around quoted fields.' }),
    ),
    escape: Type.Optional(
      Enum(['Auto', 'Doubled', 'Backslash', 'None'], {
        description: 'How a quote inside a quoted field is written.',
      }),
    ),
    encoding: Type.Optional(
      Enum(['Auto', 'UTF-8', 'Windows-1252'], {
        description: 'How characters are written as bytes.',
      }),
    ),
    comment: Type.Optional(
      Type.String({
        pattern: '^[^A-Za-z0-9"\'\\s]$',
        maxLength: 1,
        description: 'Lines starting with this character are skipped and counted.',
      }),
    ),
  },
  { description: 'The dialect of the file; every field left out is found by reading the file.' },
);
export type FormatSpec = Static<typeof format>;

export const column = rule(
  object(
    {
      name: Type.String({
        pattern: identifier,
        maxLength: 63,
        description: 'Column of the table.',
      }),
      from: Type.Optional(
        IntOrString({
          maxLength: 1024,
          description: 'Header name, or 0-based position; its own name if left out.',
        }),
      ),
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
        Type.Array(Type.String({ maxLength: 256 }), {
          maxItems: 16,
          'x-kubernetes-list-type': 'set',
          description: 'Spellings that mean NULL, compared exactly.',
        }),
      ),
      allowNegative: Type.Optional(Type.Boolean({ description: 'Accept epochs before 1970.' })),
    },
    { description: 'One column of the table.' },
  ),
  "self.name != '_millrace_pos'",
  '_millrace_pos is kept by Millrace itself; rename the column and set from to its header',
);
export type ColumnSpec = Static<typeof column>;

const target = object(
  {
    table: Type.String({
      pattern: identifier,
      minLength: 1,
      maxLength: 55,
      description: 'Table to load; created if absent. Lower case, at most 55 characters.',
    }),
    key: Type.Optional(
      Type.Array(Type.String({ pattern: identifier, maxLength: 63 }), {
        minItems: 1,
        maxItems: 8,
        'x-kubernetes-list-type': 'atomic',
        description: 'Columns that identify a row; without a key every record becomes a row.',
      }),
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
  '!has(self.min) || !has(self.max) || self.min <= self.max',
  'workers.min must not be greater than workers.max',
);

export const spec = object(
  {
    source: rule(source, 'self == oldSelf', 'source is immutable; create a new CsvImport instead'),
    format: Type.Optional(
      rule(format, 'self == oldSelf', 'format is immutable; create a new CsvImport instead'),
    ),
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
        'self == oldSelf',
        'columns are immutable; create a new CsvImport instead',
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
                'Off (default): reads go to Postgres. Invalidate: reads are cached in Redis and made stale by each chunk.',
            }),
          ),
          ttl: Type.Optional(
            GoDuration({ description: 'Longest life of a cached row; default 2m.' }),
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
            Type.Array(Type.String({ pattern: identifier, maxLength: 63 }), {
              maxItems: 16,
              'x-kubernetes-list-type': 'set',
              description: 'Text columns that lists can be filtered by.',
            }),
          ),
        },
        { description: 'The HTTP gateway.' },
      ),
    ),
    workers: Type.Optional(workersSpec),
    chunkBytes: Type.Optional(
      rule(
        Quantity({ description: 'Size of one unit of work, from 1Ki to 256Mi; default 16Mi.' }),
        'self == oldSelf',
        'chunkBytes is immutable; create a new CsvImport instead',
      ),
    ),
    maxRecordBytes: Type.Optional(
      rule(
        Quantity({
          description: 'Longest record, from 1Ki to 64Mi; a longer one is rejected. Default 16Mi.',
        }),
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
              minLength: 1,
              maxLength: 253,
              description: 'Secret with the connection URLs; default millrace-backends.',
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
