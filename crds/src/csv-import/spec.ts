/**
 * What a user asks of a CsvImport.
 *
 * Holds only what works; a field arrives with what it does. Rules that need more than one field are
 * CEL, so that the API server refuses a wrong value with a message that names the remedy; what CEL
 * cannot say is repeated in the operator's validate step.
 */
import { Type, type Static } from 'typebox';
import { scalingSpec } from '../scaling.ts';
import { object, Quantity, rule } from '../schema.ts';
import { column } from './column.ts';
import { format } from './format.ts';
import { deletionPolicy, ttlAfterFinished } from './lifetime.ts';
import { immutable, objectName, sized } from './rules.ts';
import { cache, serve } from './serving.ts';
import { source } from './source.ts';
import { target } from './target.ts';
import { workers } from './workers.ts';

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
    cache: Type.Optional(cache),
    serve: Type.Optional(serve),
    workers: Type.Optional(workers),
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
    deletionPolicy,
    ttlAfterFinished,
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
rule(
  spec,
  '!has(self.target.key) || !has(self.columns) || !self.columns.exists(c, has(c.sealed) && c.sealed && c.name in self.target.key)',
  {
    message:
      'target.key must not name a sealed column, whose values never compare equal; choose another key',
    fieldPath: '.target.key',
  },
);
rule(
  spec,
  '!has(self.serve) || !has(self.serve.filters) || !has(self.columns) || !self.columns.exists(c, has(c.sealed) && c.sealed && !(has(c.searchable) && c.searchable) && c.name in self.serve.filters)',
  {
    message:
      'serve.filters must not name a sealed column that is not searchable; set searchable, or remove the filter',
    fieldPath: '.serve.filters',
  },
);
rule(
  spec,
  "!has(self.columns) || !self.columns.exists(c, has(c.searchable) && c.searchable) || !self.columns.exists(c, c.name.endsWith('_bidx'))",
  {
    message:
      'names ending in _bidx are kept for the indexes of searchable columns; rename the column',
    fieldPath: '.columns',
  },
);
// Whose header is found by looking may be without one: the first record would be kept as names.
rule(
  spec,
  "!has(self.columns) || !self.columns.exists(c, has(c.sealed) && c.sealed) || (has(self.format) && has(self.format.header) && self.format.header != 'Auto')",
  {
    message:
      'format.header must be Present or Absent where a column is sealed, because the names in a header are stored as they are; say whether the first record is one',
    fieldPath: '.format.header',
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
