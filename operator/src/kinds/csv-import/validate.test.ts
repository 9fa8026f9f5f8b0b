import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { usersSpec } from '../../../test/import-cluster.ts';
import { deepFreeze } from '../../../test/observed.ts';
import { validate } from './validate.ts';

const id = { name: 'id', type: 'bigint' };

function withColumn(column: object): object {
  return { ...usersSpec, columns: [id, { name: 'at', type: 'timestamp', ...column }] };
}

const both = { sealed: true, searchable: true };

function sealed(column: object): object {
  return { ...usersSpec, columns: [id, { name: 'email', type: 'text', ...column }], serve: {} };
}

const refused: readonly [what: string, spec: unknown, message: RegExp][] = [
  ['nothing', undefined, /^spec /],
  ['a wrong type', { ...usersSpec, workers: { max: 'many' } }, /spec\.workers\.max/],
  ['an unknown field', { ...usersSpec, colums: [] }, /spec/],
  ['no source', { ...usersSpec, source: {} }, /spec\.source names exactly one source/],
  [
    'two sources',
    { ...usersSpec, source: { ...usersSpec.source, s3: { bucket: 'drops', key: 'a.csv' } } },
    /spec\.source names exactly one source/,
  ],
  ['an absolute path', path('/users.csv'), /path is relative.*leading slash/],
  ['a path out of the volume', path('../users.csv'), /path must stay inside/],
  ['a column twice', { ...usersSpec, columns: [id, id] }, /names id twice/],
  [
    'our own column',
    { ...usersSpec, columns: [{ name: '_millrace_pos', type: 'bigint' }] },
    /_millrace_pos/,
  ],
  ['a negative position', withColumn({ from: -1 }), /columns\[at\]\.from.*counted from 0/],
  ['a fractional position', withColumn({ from: 1.5 }), /columns\[at\]\.from/],
  ['a from of another type', withColumn({ from: [] }), /columns\[at\]\.from/],
  ['a format of text', withColumn({ type: 'text', format: 'yyyy' }), /format belongs to.*not text/],
  ['an epoch as date', withColumn({ type: 'date', format: 'EpochMillis' }), /type timestamp/],
  ['a misspelt pattern', withColumn({ format: 'YYYY-MM-DD' }), /format has Y/],
  ['a pattern without a day', withColumn({ format: 'yyyy-MM' }), /format lacks dd/],
  ['a pattern part twice', withColumn({ format: 'yyyy-MM-dd dd' }), /format has dd twice/],
  ['negatives of text', withColumn({ type: 'text', allowNegative: true }), /allowNegative/],
  [
    'a stranger in the key',
    { ...usersSpec, target: { table: 'users', key: ['nope'] } },
    /key names nope/,
  ],
  [
    'a key column twice',
    { ...usersSpec, target: { table: 'users', key: ['id', 'id'] } },
    /key names id twice/,
  ],
  [
    'a period of more than an hour',
    { ...usersSpec, serve: { rateLimit: { requests: 1, per: '2h' } } },
    /serve\.rateLimit\.per .* 1s to 1h/,
  ],
  ['a search in the open', sealed({ searchable: true }), /email\].searchable is for sealed/],
  [
    'a sealed number to search',
    sealed({ type: 'bigint', ...both }),
    /searchable is for columns of/,
  ],
  [
    'a sealed key',
    { ...sealed(both), target: { table: 'users', key: ['email'] } },
    /key names email, which is sealed/,
  ],
  [
    'a sealed filter',
    { ...sealed({ sealed: true }), serve: { filters: ['email'] } },
    /filters names email, which is sealed: set searchable/,
  ],
  ['a stranger as filter', filters('nope'), /filters names nope/],
  ['a number as filter', filters('id'), /filters names id, which is bigint/],
  ['a chunk too small', { ...usersSpec, chunkBytes: '1023' }, /chunkBytes must be a size from 1Ki/],
  ['a chunk too large', { ...usersSpec, chunkBytes: '257Mi' }, /chunkBytes/],
  ['a chunk that is no size', { ...usersSpec, chunkBytes: 'big' }, /chunkBytes/],
  ['a record too large', { ...usersSpec, maxRecordBytes: '65Mi' }, /maxRecordBytes/],
  [
    'more workers at least than at most',
    { ...usersSpec, workers: { min: 3, max: 2 } },
    /workers\.min \(3\)/,
  ],
  ['a cache life of nothing', { ...usersSpec, cache: { ttl: '0s' } }, /cache\.ttl/],
  [
    'one character twice',
    { ...usersSpec, format: { delimiter: '#', comment: '#' } },
    /comment is the same/,
  ],
];

function path(text: string): object {
  return { ...usersSpec, source: { volume: { claimName: 'data', path: text } } };
}

function filters(...names: readonly string[]): object {
  return { ...usersSpec, serve: { enabled: true, filters: names } };
}

describe('validate', () => {
  for (const [what, spec, message] of refused) {
    it(`refuses ${what}, naming the field and the remedy`, () => {
      const verdict = validate(deepFreeze(spec));

      expect(verdict).toMatchObject({ ok: false, problem: { reason: 'InvalidSpec' } });
      expect(verdict.ok ? '' : verdict.problem.message).toMatch(message);
    });
  }

  const accepted: readonly [what: string, spec: object][] = [
    ['the usual', usersSpec],
    ['no columns and any filter', { ...usersSpec, columns: undefined, serve: { filters: ['x'] } }],
    ['a position and a header', withColumn({ from: 3 })],
    ['an ISO pattern', withColumn({ format: 'yyyy-MM-ddTHH:mm:ss.SSSZ' })],
    ['a German date', withColumn({ type: 'date', format: 'dd.MM.yyyy' })],
    ['sizes at the limits', { ...usersSpec, chunkBytes: '256Mi', maxRecordBytes: 1024 }],
  ];
  for (const [what, spec] of accepted) {
    it(`accepts ${what}`, () => {
      expect(validate(deepFreeze(JSON.parse(JSON.stringify(spec))))).toMatchObject({ ok: true });
    });
  }

  it('is not loosened by a field of the example going out of date', async () => {
    const { parse } = await import('yaml');
    const file = new URL('../../../../crds/examples/csv-import.yaml', import.meta.url);
    const { spec } = parse(readFileSync(file, 'utf8')) as { spec: unknown };

    expect(validate(spec)).toMatchObject({ ok: true });
  });
});
