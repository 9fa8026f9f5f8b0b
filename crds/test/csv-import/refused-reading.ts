/** Wrong answers to how the file is read: source, format, columns. */
import type { Refusal } from '../refusal.ts';

export const refusedReading: readonly Refusal[] = [
  {
    what: 'an unknown field further in',
    patch: { format: { delimeter: ',' } },
    message: 'unknown field "spec.format.delimeter"; did you mean delimiter?',
    server:
      'CsvImport in version "v1alpha1" cannot be handled as a CsvImport: strict decoding error: unknown field "spec.format.delimeter"',
  },
  {
    what: 'a missing source',
    patch: { source: null },
    message: 'spec.source: is required. Where the CSV is; exactly one of volume, s3 and http.',
    server:
      'CsvImport.millrace.dev "users" is invalid: [spec.source: Required value, <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
  },
  {
    what: 'an empty source',
    patch: { source: { volume: null } },
    message: 'spec.source: name exactly one source: volume, s3 or http',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.source: Required value: name exactly one source: volume, s3 or http',
  },
  {
    what: 'two sources',
    patch: { source: { s3: { bucket: 'drops', key: 'users.csv' } } },
    message: 'spec.source: name exactly one source: volume, s3 or http',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.source: Required value: name exactly one source: volume, s3 or http',
  },
  {
    what: 'a bucket with capitals',
    patch: { source: { volume: null, s3: { bucket: 'Drops', key: 'users.csv' } } },
    message: 'spec.source.s3.bucket: must match ^[a-z0-9][a-z0-9.-]*[a-z0-9]$. Name of the bucket.',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.source.s3.bucket: Invalid value: "Drops": spec.source.s3.bucket in body should match \'^[a-z0-9][a-z0-9.-]*[a-z0-9]$\'',
  },
  {
    what: 'a key that would break lines',
    patch: { source: { volume: null, s3: { bucket: 'drops', key: 'a\nb.csv' } } },
    message:
      'spec.source.s3.key: must match ^[^\\x00-\\x1f\\x7f]+$. Key of the object in the bucket.',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.source.s3.key: Invalid value: "a\\nb.csv": spec.source.s3.key in body should match \'^[^\\x00-\\x1f\\x7f]+$\'',
  },
  {
    what: 'a web address with a password',
    patch: { source: { volume: null, http: { url: 'http://me:secret@drops/users.csv' } } },
    message:
      'spec.source.http.url: url must hold no user or password, which anybody who may read this resource would see; serve the file inside the cluster or by a signed address',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.source.http.url: Invalid value: "http://me:secret@drops/users.csv": url must hold no user or password, which anybody who may read this resource would see; serve the file inside the cluster or by a signed address',
  },
  {
    what: 'a web address of another scheme',
    patch: { source: { volume: null, http: { url: 'ftp://drops/users.csv' } } },
    message:
      'spec.source.http.url: must match ^https?://[^\\s#]+$. Address of the file: http or https, without credentials.',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.source.http.url: Invalid value: "ftp://drops/users.csv": spec.source.http.url in body should match \'^https?://[^\\s#]+$\'',
  },
  {
    what: 'a claim name with capitals',
    patch: { source: { volume: { claimName: 'My_Claim' } } },
    message:
      'spec.source.volume.claimName: must match ^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$. Name of a PersistentVolumeClaim in the same namespace.',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.source.volume.claimName: Invalid value: "My_Claim": spec.source.volume.claimName in body should match \'^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$\'',
  },
  {
    what: 'an absolute path',
    patch: { source: { volume: { path: '/a.csv' } } },
    message:
      'spec.source.volume.path: path must stay inside the volume: no leading slash and no .. in it',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.source.volume.path: Invalid value: "/a.csv": path must stay inside the volume: no leading slash and no .. in it',
  },
  {
    what: 'a path out of the volume',
    patch: { source: { volume: { path: 'a/../../b.csv' } } },
    message:
      'spec.source.volume.path: path must stay inside the volume: no leading slash and no .. in it',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.source.volume.path: Invalid value: "a/../../b.csv": path must stay inside the volume: no leading slash and no .. in it',
  },
  {
    what: 'an empty path',
    patch: { source: { volume: { path: '' } } },
    message:
      'spec.source.volume.path: must not be empty. Path of the file inside the volume, without a leading slash.',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.source.volume.path: Invalid value: "": spec.source.volume.path in body should be at least 1 chars long',
  },
  {
    what: 'a delimiter of two characters',
    patch: { format: { delimiter: 'ab' } },
    message:
      'spec.format.delimiter: must match ^(Auto|Spaces|WideSpaces|[^A-Za-z0-9"\'\\\\\\r\\n\\x00])$. Auto, or the one character between fields, such as , ; | or a tab (no letter, digit, quote or backslash), or Spaces (a run of one or more) or WideSpaces (of two or more).',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.format.delimiter: Invalid value: "ab": spec.format.delimiter in body should match \'^(Auto|Spaces|WideSpaces|[^A-Za-z0-9"\'\\\\\\r\\n\\x00])$\'',
  },
  {
    what: 'a delimiter that is a quote',
    patch: { format: { delimiter: '"' } },
    message:
      'spec.format.delimiter: must match ^(Auto|Spaces|WideSpaces|[^A-Za-z0-9"\'\\\\\\r\\n\\x00])$. Auto, or the one character between fields, such as , ; | or a tab (no letter, digit, quote or backslash), or Spaces (a run of one or more) or WideSpaces (of two or more).',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.format.delimiter: Invalid value: "\\"": spec.format.delimiter in body should match \'^(Auto|Spaces|WideSpaces|[^A-Za-z0-9"\'\\\\\\r\\n\\x00])$\'',
  },
  {
    what: 'another quote',
    patch: { format: { quote: '`' } },
    message: 'spec.format.quote: must be one of Auto, "\\"", "\'", None',
    server:
      'CsvImport.millrace.dev "users" is invalid: [spec.format.quote: Unsupported value: "`": supported values: "Auto", "\\"", "\'", "None", <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
  },
  {
    what: 'an encoding in other letters',
    patch: { format: { encoding: 'utf8' } },
    message:
      'spec.format.encoding: must be one of Auto, UTF-8, Windows-1252, UTF-16LE, UTF-16BE; did you mean UTF-8?',
    server:
      'CsvImport.millrace.dev "users" is invalid: [spec.format.encoding: Unsupported value: "utf8": supported values: "Auto", "UTF-8", "Windows-1252", "UTF-16LE", "UTF-16BE", <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
  },
  {
    what: 'a boolean for a word',
    patch: { format: { header: true } },
    message:
      'spec.format.header: must be one of Auto, Present, Absent, in quotes: YAML reads some words as booleans',
    server:
      'CsvImport.millrace.dev "users" is invalid: [spec.format.header: Invalid value: "boolean": spec.format.header in body must be of type string: "boolean", spec.format.header: Unsupported value: true: supported values: "Auto", "Present", "Absent", <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
  },
  {
    what: 'a comment character that is the delimiter',
    patch: { format: { comment: ';', delimiter: ';' } },
    message: 'spec.format.comment: comment must be another character than delimiter',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.format.comment: Invalid value: comment must be another character than delimiter',
  },
  {
    what: 'a comment of two characters',
    patch: { format: { comment: '//' } },
    message:
      'spec.format.comment: must have at most 1 character. Lines starting with this one character are skipped and counted; no letter, digit, quote or blank.',
    server:
      'CsvImport.millrace.dev "users" is invalid: [spec.format.comment: Too long: may not be more than 1 byte, <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
  },
  {
    what: 'a misspelt escape',
    patch: { format: { escape: 'double' } },
    message:
      'spec.format.escape: must be one of Auto, Doubled, Backslash, None; did you mean Doubled?',
    server:
      'CsvImport.millrace.dev "users" is invalid: [spec.format.escape: Unsupported value: "double": supported values: "Auto", "Doubled", "Backslash", "None", <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
  },
  {
    what: 'no columns',
    patch: { columns: [] },
    message:
      'spec.columns: must have from 1 to 512 entries. Columns to load, in table order; left out, every header column is loaded as text.; spec.target.key: target.key names id, which columns does not list; spec.serve.filters: serve.filters must name columns of type text; not first_name',
    server:
      'CsvImport.millrace.dev "users" is invalid: [spec.columns: Invalid value: 0: spec.columns in body should have at least 1 items, spec.target.key: Invalid value: target.key names id, which columns does not list, spec.serve.filters: Invalid value: serve.filters must name columns of type text; not first_name]',
  },
  {
    what: 'a column with capitals',
    patch: { columns: [{ name: 'ID', type: 'bigint' }], serve: null },
    message:
      'spec.columns[0].name: must match ^[a-z_][a-z0-9_]*$. Column of the table: lower-case letters, digits and underscores, not starting with a digit.; spec.target.key: target.key names id, which columns does not list',
    server:
      'CsvImport.millrace.dev "users" is invalid: [spec.columns[0].name: Invalid value: "ID": spec.columns[0].name in body should match \'^[a-z_][a-z0-9_]*$\', spec.target.key: Invalid value: target.key names id, which columns does not list]',
  },
  {
    what: 'an unknown type',
    patch: { columns: [{ name: 'id', type: 'int' }], serve: null },
    message:
      'spec.columns[0].type: must be one of text, integer, bigint, decimal, boolean, date, timestamp, uuid, json',
    server:
      'CsvImport.millrace.dev "users" is invalid: [spec.columns[0].type: Unsupported value: "int": supported values: "text", "integer", "bigint", "decimal", "boolean", "date", "timestamp", "uuid", "json", <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
  },
  {
    what: 'a missing type',
    patch: { columns: [{ name: 'id' }] },
    message: 'spec.columns[0].type: is required. Type of the column.',
    server:
      'CsvImport.millrace.dev "users" is invalid: [spec.columns[0].type: Required value, <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
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
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.columns[1]: Duplicate value: {"name":"id"}',
  },
  {
    what: 'the position column',
    patch: {
      columns: [{ name: '_millrace_pos', type: 'bigint' }],
      target: { key: null },
      serve: null,
    },
    message:
      'spec.columns[0].name: _millrace_pos is kept by Millrace itself; rename the column and set from to its header',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.columns[0].name: Invalid value: _millrace_pos is kept by Millrace itself; rename the column and set from to its header',
  },
  {
    what: 'a negative position',
    patch: { columns: [{ name: 'id', type: 'bigint', from: -1 }], serve: null },
    message: 'spec.columns[0].from: from must be a header name or a position from 0 to 99999',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.columns[0].from: Invalid value: -1: from must be a header name or a position from 0 to 99999',
  },
  {
    what: 'an empty header name',
    patch: { columns: [{ name: 'id', type: 'bigint', from: '' }], serve: null },
    message: 'spec.columns[0].from: from must be a header name or a position from 0 to 99999',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.columns[0].from: Invalid value: "": from must be a header name or a position from 0 to 99999',
  },
  {
    what: 'a format on a number',
    patch: { columns: [{ name: 'id', type: 'bigint', format: 'EpochMillis' }], serve: null },
    message:
      'spec.columns[0].format: format is for columns of type date and timestamp; remove it or change type',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.columns[0].format: Invalid value: format is for columns of type date and timestamp; remove it or change type',
  },
  {
    what: 'an epoch format on a date',
    patch: { columns: [{ name: 'id', type: 'date', format: 'EpochMillis' }], serve: null },
    message:
      'spec.columns[0].format: format must be a pattern of yyyy MM dd HH mm ss SSS, or for timestamp one of RFC3339, EpochSeconds, EpochMillis, EpochMicros',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.columns[0].format: Invalid value: format must be a pattern of yyyy MM dd HH mm ss SSS, or for timestamp one of RFC3339, EpochSeconds, EpochMillis, EpochMicros',
  },
  {
    what: 'a pattern in other letters',
    patch: { columns: [{ name: 'id', type: 'timestamp', format: 'DD.MM.YYYY' }], serve: null },
    message:
      'spec.columns[0].format: format must be a pattern of yyyy MM dd HH mm ss SSS, or for timestamp one of RFC3339, EpochSeconds, EpochMillis, EpochMicros',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.columns[0].format: Invalid value: format must be a pattern of yyyy MM dd HH mm ss SSS, or for timestamp one of RFC3339, EpochSeconds, EpochMillis, EpochMicros',
  },
  {
    what: 'allowNegative on a number',
    patch: { columns: [{ name: 'id', type: 'bigint', allowNegative: true }], serve: null },
    message:
      'spec.columns[0].allowNegative: allowNegative is for columns of type timestamp; remove it or change type',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.columns[0].allowNegative: Invalid value: allowNegative is for columns of type timestamp; remove it or change type',
  },
  {
    what: 'a spelling of NULL twice',
    patch: { columns: [{ name: 'id', type: 'bigint', nullValues: ['x', 'x'] }], serve: null },
    message:
      'spec.columns[0].nullValues[1]: repeats spec.columns[0].nullValues[0]: remove one of them',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.columns[0].nullValues[1]: Duplicate value: "x"',
  },
  {
    what: 'a bare number as a spelling of NULL',
    patch: { columns: [{ name: 'id', type: 'bigint', nullValues: [-1] }], serve: null },
    message: 'spec.columns[0].nullValues[0]: must be a string: quote it. One spelling.',
    server:
      'CsvImport.millrace.dev "users" is invalid: [spec.columns[0].nullValues[0]: Invalid value: "integer": spec.columns[0].nullValues[0] in body must be of type string: "integer", <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
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
      'spec.serve.filters: serve.filters must not name limit or cursor, which page through lists; rename the column',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.serve.filters: Invalid value: serve.filters must not name limit or cursor, which page through lists; rename the column',
  },
  {
    what: 'a key that cannot be compared',
    patch: { columns: [{ name: 'id', type: 'json' }], serve: { filters: [] } },
    message:
      'spec.target.key: target.key must not name a column of type json, which cannot be compared; make it text',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.target.key: Invalid value: target.key must not name a column of type json, which cannot be compared; make it text',
  },
  {
    what: 'a path that ends above the volume',
    patch: { source: { volume: { path: 'a/..' } } },
    message:
      'spec.source.volume.path: path must stay inside the volume: no leading slash and no .. in it',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.source.volume.path: Invalid value: "a/..": path must stay inside the volume: no leading slash and no .. in it',
  },
  {
    what: 'a claim name that is too long',
    patch: {
      source: {
        volume: {
          claimName:
            'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
        },
      },
    },
    message:
      'spec.source.volume.claimName: must have at most 253 characters. Name of a PersistentVolumeClaim in the same namespace.',
    server:
      'CsvImport.millrace.dev "users" is invalid: [spec.source.volume.claimName: Too long: may not be more than 253 bytes, <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
  },
  {
    what: 'too many key columns',
    patch: { target: { key: ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'] }, columns: null },
    message:
      'spec.target.key: must have from 1 to 8 entries. Columns that identify a row; left out, every record becomes a row.',
    server:
      'CsvImport.millrace.dev "users" is invalid: [spec.target.key: Too many: 9: must have at most 8 items, <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
  },
  {
    what: 'a spelling of NULL that is too long',
    patch: {
      columns: [
        {
          name: 'id',
          type: 'bigint',
          nullValues: [
            'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx',
          ],
        },
      ],
      serve: null,
    },
    message: 'spec.columns[0].nullValues[0]: must have at most 256 characters. One spelling.',
    server:
      'CsvImport.millrace.dev "users" is invalid: [spec.columns[0].nullValues[0]: Too long: may not be more than 256 bytes, <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
  },
  {
    what: 'a list of columns that is a map',
    patch: { columns: { id: 'bigint' } },
    message:
      'spec.columns: must be a list. Columns to load, in table order; left out, every header column is loaded as text.',
    server:
      'CsvImport in version "v1alpha1" cannot be handled as a CsvImport: strict decoding error: unknown field "spec.columns.id"',
  },
  {
    what: 'a fraction of a position',
    patch: { columns: [{ name: 'id', type: 'bigint', from: 0.5 }], serve: null },
    message:
      'spec.columns[0].from: must be a whole number or a string. Header name, or 0-based position; its own name if left out.',
    server:
      'CsvImport.millrace.dev "users" is invalid: [spec.columns[0].from: Invalid value: "number": spec.columns[0].from in body must be of type integer,string: "number", <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
  },
];
