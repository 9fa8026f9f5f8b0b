/**
 * Wrong specs of a CsvImport, as merge patches of the example, with the whole message each gets in
 * memory. A real server words its own refusals; the rules' messages and the fields are the same.
 */
export interface Refusal {
  readonly what: string;
  readonly patch: object;
  readonly message: string;
}

export const csvImportRefusals: readonly Refusal[] = [
  {
    what: 'an unknown field, naming the near one',
    patch: { tarjet: {} },
    message: 'unknown field "spec.tarjet"; did you mean target?',
  },
  {
    what: 'an unknown field, naming all known ones when none is near',
    patch: { zzz: 1 },
    message:
      'unknown field "spec.zzz"; known here: source, format, columns, target, rejects, cache, serve, workers, chunkBytes, maxRecordBytes, suspend, paused, backends',
  },
  {
    what: 'an unknown field further in',
    patch: { format: { delimeter: ',' } },
    message: 'unknown field "spec.format.delimeter"; did you mean delimiter?',
  },
  {
    what: 'a missing source',
    patch: { source: null },
    message: 'spec.source: is required. Where the CSV is; exactly one of its fields.',
  },
  {
    what: 'an empty source',
    patch: { source: { volume: null } },
    message: 'spec.source: source.volume is required: name the claim and the path of the file',
  },
  {
    what: 'a claim name with capitals',
    patch: { source: { volume: { claimName: 'My_Claim' } } },
    message:
      'spec.source.volume.claimName: must match ^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$. Name of a PersistentVolumeClaim in the same namespace.',
  },
  {
    what: 'an absolute path',
    patch: { source: { volume: { path: '/a.csv' } } },
    message:
      'spec.source.volume.path: path must stay inside the volume: no leading slash and no .. in it',
  },
  {
    what: 'a path out of the volume',
    patch: { source: { volume: { path: 'a/../../b.csv' } } },
    message:
      'spec.source.volume.path: path must stay inside the volume: no leading slash and no .. in it',
  },
  {
    what: 'an empty path',
    patch: { source: { volume: { path: '' } } },
    message:
      'spec.source.volume.path: must not be empty. Path of the file inside the volume, without a leading slash.',
  },
  {
    what: 'a delimiter of two characters',
    patch: { format: { delimiter: 'ab' } },
    message:
      'spec.format.delimiter: must match ^(Auto|[^A-Za-z0-9"\'\\\\\\r\\n\\x00])$. Auto, or the one character between fields, such as , ; | or a tab; no letter, digit, quote or backslash.',
  },
  {
    what: 'a delimiter that is a quote',
    patch: { format: { delimiter: '"' } },
    message:
      'spec.format.delimiter: must match ^(Auto|[^A-Za-z0-9"\'\\\\\\r\\n\\x00])$. Auto, or the one character between fields, such as , ; | or a tab; no letter, digit, quote or backslash.',
  },
  {
    what: 'another quote',
    patch: { format: { quote: '`' } },
    message: 'spec.format.quote: must be one of Auto, "\\"", "\'", None',
  },
  {
    what: 'an encoding in other letters',
    patch: { format: { encoding: 'utf8' } },
    message: 'spec.format.encoding: must be one of Auto, UTF-8, Windows-1252; did you mean UTF-8?',
  },
  {
    what: 'a boolean for a word',
    patch: { format: { header: true } },
    message:
      'spec.format.header: must be one of Auto, Present, Absent, in quotes: YAML reads some words as booleans',
  },
  {
    what: 'a comment character that is the delimiter',
    patch: { format: { comment: ';', delimiter: ';' } },
    message: 'spec.format: comment must be another character than delimiter',
  },
  {
    what: 'a comment of two characters',
    patch: { format: { comment: '//' } },
    message:
      'spec.format.comment: must have at most 1 character. Lines starting with this one character are skipped and counted; no letter, digit, quote or blank.',
  },
  {
    what: 'a misspelt escape',
    patch: { format: { escape: 'double' } },
    message:
      'spec.format.escape: must be one of Auto, Doubled, Backslash, None; did you mean Doubled?',
  },
  {
    what: 'no columns',
    patch: { columns: [] },
    message:
      'spec.columns: must have from 1 to 512 entries. Columns to load, in table order; left out, every header column is loaded as text.',
  },
  {
    what: 'a column with capitals',
    patch: { columns: [{ name: 'ID', type: 'bigint' }], serve: null },
    message:
      'spec.columns[0].name: must match ^[a-z_][a-z0-9_]*$. Column of the table: lower-case letters, digits and underscores, not starting with a digit.',
  },
  {
    what: 'an unknown type',
    patch: { columns: [{ name: 'id', type: 'int' }], serve: null },
    message:
      'spec.columns[0].type: must be one of text, integer, bigint, decimal, boolean, date, timestamp, uuid, json',
  },
  {
    what: 'a missing type',
    patch: { columns: [{ name: 'id' }] },
    message: 'spec.columns[0].type: is required. Type of the column.',
  },
  {
    what: 'two columns of one name',
    patch: {
      columns: [
        { name: 'id', type: 'text' },
        { name: 'id', type: 'text' },
      ],
      serve: null,
    },
    message: 'spec.columns[1]: has the same name as spec.columns[0]: remove one of them',
  },
  {
    what: 'the position column',
    patch: {
      columns: [{ name: '_millrace_pos', type: 'bigint' }],
      target: { key: null },
      serve: null,
    },
    message:
      'spec.columns[0]: _millrace_pos is kept by Millrace itself; rename the column and set from to its header',
  },
  {
    what: 'a negative position',
    patch: { columns: [{ name: 'id', type: 'bigint', from: -1 }], serve: null },
    message: 'spec.columns[0].from: from must be a header name or a position, counted from 0',
  },
  {
    what: 'an empty header name',
    patch: { columns: [{ name: 'id', type: 'bigint', from: '' }], serve: null },
    message: 'spec.columns[0].from: from must be a header name or a position, counted from 0',
  },
  {
    what: 'a format on a number',
    patch: { columns: [{ name: 'id', type: 'bigint', format: 'EpochMillis' }], serve: null },
    message:
      'spec.columns[0]: format is for columns of type date and timestamp; remove it or change type',
  },
  {
    what: 'an epoch format on a date',
    patch: { columns: [{ name: 'id', type: 'date', format: 'EpochMillis' }], serve: null },
    message:
      'spec.columns[0]: format must be a pattern of yyyy MM dd HH mm ss SSS, or for timestamp one of RFC3339, EpochSeconds, EpochMillis, EpochMicros',
  },
  {
    what: 'a pattern in other letters',
    patch: { columns: [{ name: 'id', type: 'timestamp', format: 'DD.MM.YYYY' }], serve: null },
    message:
      'spec.columns[0]: format must be a pattern of yyyy MM dd HH mm ss SSS, or for timestamp one of RFC3339, EpochSeconds, EpochMillis, EpochMicros',
  },
  {
    what: 'allowNegative on a number',
    patch: { columns: [{ name: 'id', type: 'bigint', allowNegative: true }], serve: null },
    message:
      'spec.columns[0]: allowNegative is for columns of type timestamp; remove it or change type',
  },
  {
    what: 'a spelling of NULL twice',
    patch: { columns: [{ name: 'id', type: 'bigint', nullValues: ['x', 'x'] }], serve: null },
    message:
      'spec.columns[0].nullValues[1]: repeats spec.columns[0].nullValues[0]: remove one of them',
  },
  {
    what: 'a bare number as a spelling of NULL',
    patch: { columns: [{ name: 'id', type: 'bigint', nullValues: [-1] }], serve: null },
    message: 'spec.columns[0].nullValues[0]: must be a string: quote it. One spelling.',
  },
  {
    what: 'a table with capitals',
    patch: { target: { table: 'Users' } },
    message:
      'spec.target.table: must match ^[a-z_][a-z0-9_]*$. Table to load; created if absent. At most 55 lower-case letters, digits and underscores, not starting with a digit.',
  },
  {
    what: 'a long table name',
    patch: { target: { table: 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' } },
    message:
      'spec.target.table: must have at most 55 characters. Table to load; created if absent. At most 55 lower-case letters, digits and underscores, not starting with a digit.',
  },
  {
    what: 'the name of a rejects table',
    patch: { target: { table: 'users_rejects' } },
    message:
      'spec.target.table: names ending in _rejects are kept for the tables of rejected records; choose another table',
  },
  {
    what: 'a missing table',
    patch: { target: { table: null } },
    message:
      'spec.target.table: is required. Table to load; created if absent. At most 55 lower-case letters, digits and underscores, not starting with a digit.',
  },
  {
    what: 'an empty key',
    patch: { target: { key: [] } },
    message:
      'spec.target.key: must have from 1 to 8 entries. Columns that identify a row; left out, every record becomes a row.',
  },
  {
    what: 'a key column twice',
    patch: { target: { key: ['id', 'id'] } },
    message: 'spec.target.key: key must name each column once',
  },
  {
    what: 'a key column that is not listed',
    patch: { target: { key: ['nope'] } },
    message: 'spec: target.key names a column that columns does not list',
  },
  {
    what: 'a key that is no list',
    patch: { target: { key: 'id' } },
    message:
      'spec.target.key: must be a list. Columns that identify a row; left out, every record becomes a row.',
  },
  {
    what: 'a conflict policy in other letters',
    patch: { target: { onConflict: 'latestWins' } },
    message:
      'spec.target.onConflict: must be one of LatestWins, FirstWins; did you mean LatestWins?',
  },
  {
    what: 'a conflict policy that is not built yet',
    patch: { target: { onConflict: 'Fail' } },
    message: 'spec.target.onConflict: must be one of LatestWins, FirstWins',
  },
  {
    what: 'a string for a boolean',
    patch: { target: { adopt: 'yes' } },
    message:
      'spec.target.adopt: must be true or false, without quotes. Add the _millrace_pos column to a table that Millrace did not create.',
  },
  {
    what: 'a negative limit',
    patch: { rejects: { maxRows: -1 } },
    message:
      'spec.rejects.maxRows: must be from 0 to 1000000000. Most records that may be rejected; default 1000.',
  },
  {
    what: 'more than all',
    patch: { rejects: { maxPercent: 101 } },
    message:
      'spec.rejects.maxPercent: must be from 0 to 100. Largest share of records that may be rejected, judged on the whole file; default 100.',
  },
  {
    what: 'a fraction for a whole number',
    patch: { rejects: { maxPercent: 1.5 } },
    message:
      'spec.rejects.maxPercent: must be a whole number. Largest share of records that may be rejected, judged on the whole file; default 100.',
  },
  {
    what: 'an unknown cache mode',
    patch: { cache: { mode: 'On' } },
    message: 'spec.cache.mode: must be one of Off, Invalidate',
  },
  {
    what: 'a cache mode that YAML read as a boolean',
    patch: { cache: { mode: false } },
    message:
      'spec.cache.mode: must be one of Off, Invalidate, in quotes: YAML reads some words as booleans',
  },
  {
    what: 'a duration in words',
    patch: { cache: { ttl: '5 minutes' } },
    message:
      'spec.cache.ttl: must match ^([0-9]+(\\.[0-9]+)?(ms|s|m|h))+$. Longest life of a cached row, such as 90s or 1h30m; default 2m.',
  },
  {
    what: 'no duration at all',
    patch: { cache: { ttl: '0s' } },
    message: 'spec.cache.ttl: cache.ttl must be from 1s to 720h',
  },
  {
    what: 'a bare number as a duration',
    patch: { cache: { ttl: 120 } },
    message:
      'spec.cache.ttl: must be a string: quote it. Longest life of a cached row, such as 90s or 1h30m; default 2m.',
  },
  {
    what: 'a duration without end',
    patch: { cache: { ttl: '99999999999999h' } },
    message: 'spec.cache.ttl: cache.ttl must be from 1s to 720h',
  },
  {
    what: 'a filter on a number',
    patch: { serve: { filters: ['id'] } },
    message: 'spec: serve.filters must name columns of type text',
  },
  {
    what: 'a filter that means something else in a query',
    patch: {
      columns: [
        { name: 'id', type: 'bigint' },
        { name: 'limit', type: 'text' },
      ],
      serve: { filters: ['limit'] },
    },
    message:
      'spec: serve.filters must not name limit or cursor, which page through lists; rename the column',
  },
  {
    what: 'a key that cannot be compared',
    patch: { columns: [{ name: 'id', type: 'json' }], serve: { filters: [] } },
    message:
      'spec: target.key must not name a column of type json, which cannot be compared; make it text',
  },
  {
    what: 'a filter twice',
    patch: { serve: { filters: ['first_name', 'first_name'] } },
    message: 'spec.serve.filters[1]: repeats spec.serve.filters[0]: remove one of them',
  },
  {
    what: 'no gateway',
    patch: { serve: { replicas: 0 } },
    message: 'spec.serve.replicas: must be from 1 to 64. Gateways; default 1.',
  },
  {
    what: 'more workers at least than the default at most',
    patch: { workers: { min: 5, max: null } },
    message:
      'spec.workers: workers.min must not be greater than workers.max, which is 4 if left out',
  },
  {
    what: 'bounds in the wrong order',
    patch: { workers: { min: 3, max: 2 } },
    message:
      'spec.workers: workers.min must not be greater than workers.max, which is 4 if left out',
  },
  {
    what: 'too many workers',
    patch: { workers: { max: 65 } },
    message: 'spec.workers.max: must be from 1 to 64. Most workers; default 4.',
  },
  {
    what: 'a string for a number',
    patch: { workers: { max: '2' } },
    message: 'spec.workers.max: must be a whole number. Most workers; default 4.',
  },
  {
    what: 'a chunk that is too small',
    patch: { chunkBytes: '512' },
    message: 'spec.chunkBytes: chunkBytes must be from 1Ki to 256Mi',
  },
  {
    what: 'a chunk of too few bytes',
    patch: { chunkBytes: 1023 },
    message: 'spec.chunkBytes: chunkBytes must be from 1Ki to 256Mi',
  },
  {
    what: 'a chunk that is too large',
    patch: { chunkBytes: '1Gi' },
    message: 'spec.chunkBytes: chunkBytes must be from 1Ki to 256Mi',
  },
  {
    what: 'a size with another suffix',
    patch: { chunkBytes: '16MB' },
    message:
      'spec.chunkBytes: must match ^[0-9]+(\\.[0-9]+)?(Ki|Mi|Gi|Ti|k|M|G|T)?$. Size of one unit of work, from 1Ki to 256Mi; default 16Mi.',
  },
  {
    what: 'a size in fractions of a byte',
    patch: { chunkBytes: 1.5 },
    message:
      'spec.chunkBytes: must be a whole number or a string. Size of one unit of work, from 1Ki to 256Mi; default 16Mi.',
  },
  {
    what: 'a record that is too large',
    patch: { maxRecordBytes: '65Mi' },
    message: 'spec.maxRecordBytes: maxRecordBytes must be from 1Ki to 64Mi',
  },
  {
    what: 'a boolean for a size',
    patch: { maxRecordBytes: true },
    message:
      'spec.maxRecordBytes: must be a whole number or a string. Longest record, from 1Ki to 64Mi; a longer one is rejected. Default 16Mi.',
  },
  {
    what: 'a quoted boolean',
    patch: { suspend: 'true' },
    message:
      'spec.suspend: must be true or false, without quotes. Drain and stop the loading; what is loaded stays served.',
  },
  {
    what: 'a Secret name with capitals',
    patch: { backends: { secretName: 'My Secret' } },
    message:
      'spec.backends.secretName: must match ^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$. Name of the Secret with the connection URLs; default millrace-backends.',
  },
];
