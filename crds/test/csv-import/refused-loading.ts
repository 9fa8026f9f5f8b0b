/** Wrong answers to what becomes of the records, and fields that are none. */
import type { Refusal } from '../refusal.ts';

export const refusedLoading: readonly Refusal[] = [
  {
    what: 'an unknown field, naming the near one',
    patch: { tarjet: {} },
    message: 'unknown field "spec.tarjet"; did you mean target?',
    server:
      'CsvImport in version "v1alpha1" cannot be handled as a CsvImport: strict decoding error: unknown field "spec.tarjet"',
  },
  {
    what: 'an unknown field, naming all known ones when none is near',
    patch: { zzz: 1 },
    message:
      'unknown field "spec.zzz"; known here: source, format, columns, target, rejects, cache, serve, workers, scaling, chunkBytes, maxRecordBytes, deletionPolicy, ttlAfterFinished, suspend, paused, backends',
    server:
      'CsvImport in version "v1alpha1" cannot be handled as a CsvImport: strict decoding error: unknown field "spec.zzz"',
  },
  {
    what: 'a table with capitals',
    patch: { target: { table: 'Users' } },
    message:
      'spec.target.table: must match ^[a-z_][a-z0-9_]*$. Table to load; created if absent. At most 55 lower-case letters, digits and underscores, not starting with a digit.',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.target.table: Invalid value: "Users": spec.target.table in body should match \'^[a-z_][a-z0-9_]*$\'',
  },
  {
    what: 'a long table name',
    patch: { target: { table: 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' } },
    message:
      'spec.target.table: must have at most 55 characters. Table to load; created if absent. At most 55 lower-case letters, digits and underscores, not starting with a digit.',
    server:
      'CsvImport.millrace.dev "users" is invalid: [spec.target.table: Too long: may not be more than 55 bytes, <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
  },
  {
    what: 'the name of a rejects table',
    patch: { target: { table: 'users_rejects' } },
    message:
      'spec.target.table: names ending in _rejects are kept for the tables of rejected records; choose another table',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.target.table: Invalid value: "users_rejects": names ending in _rejects are kept for the tables of rejected records; choose another table',
  },
  {
    what: 'a missing table',
    patch: { target: { table: null } },
    message:
      'spec.target.table: is required. Table to load; created if absent. At most 55 lower-case letters, digits and underscores, not starting with a digit.',
    server:
      'CsvImport.millrace.dev "users" is invalid: [spec.target.table: Required value, <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
  },
  {
    what: 'an empty key',
    patch: { target: { key: [] } },
    message:
      'spec.target.key: must have from 1 to 8 entries. Columns that identify a row; left out, every record becomes a row.',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.target.key: Invalid value: 0: spec.target.key in body should have at least 1 items',
  },
  {
    what: 'a key column twice',
    patch: { target: { key: ['id', 'id'] } },
    message: 'spec.target.key: key must name each column once',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.target.key: Invalid value: key must name each column once',
  },
  {
    what: 'a key column that is not listed',
    patch: { target: { key: ['nope'] } },
    message: 'spec.target.key: target.key names nope, which columns does not list',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.target.key: Invalid value: target.key names nope, which columns does not list',
  },
  {
    what: 'a key that is no list',
    patch: { target: { key: 'id' } },
    message:
      'spec.target.key: must be a list. Columns that identify a row; left out, every record becomes a row.',
    server:
      'CsvImport.millrace.dev "users" is invalid: [spec.target.key: Invalid value: "string": spec.target.key in body must be of type array: "string", <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
  },
  {
    what: 'a conflict policy in other letters',
    patch: { target: { onConflict: 'latestWins' } },
    message:
      'spec.target.onConflict: must be one of LatestWins, FirstWins, Fail; did you mean LatestWins?',
    server:
      'CsvImport.millrace.dev "users" is invalid: [spec.target.onConflict: Unsupported value: "latestWins": supported values: "LatestWins", "FirstWins", "Fail", <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
  },
  {
    what: 'a string for a boolean',
    patch: { target: { adopt: 'yes' } },
    message:
      'spec.target.adopt: must be true or false, without quotes. Add the _millrace_pos column to a table that Millrace did not create.',
    server:
      'CsvImport.millrace.dev "users" is invalid: [spec.target.adopt: Invalid value: "string": spec.target.adopt in body must be of type boolean: "string", <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
  },
  {
    what: 'a negative limit',
    patch: { rejects: { maxRows: -1 } },
    message:
      'spec.rejects.maxRows: must be from 0 to 1000000000. Most records that may be rejected; default 1000.',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.rejects.maxRows: Invalid value: -1: spec.rejects.maxRows in body should be greater than or equal to 0',
  },
  {
    what: 'more than all',
    patch: { rejects: { maxPercent: 101 } },
    message:
      'spec.rejects.maxPercent: must be from 0 to 100. Largest share of records that may be rejected, judged on the whole file; default 100.',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.rejects.maxPercent: Invalid value: 101: spec.rejects.maxPercent in body should be less than or equal to 100',
  },
  {
    what: 'a fraction for a whole number',
    patch: { rejects: { maxPercent: 1.5 } },
    message:
      'spec.rejects.maxPercent: must be a whole number. Largest share of records that may be rejected, judged on the whole file; default 100.',
    server:
      'CsvImport.millrace.dev "users" is invalid: [spec.rejects.maxPercent: Invalid value: "number": spec.rejects.maxPercent in body must be of type integer: "number", <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
  },
  {
    what: 'an unknown cache mode',
    patch: { cache: { mode: 'On' } },
    message: 'spec.cache.mode: must be one of Off, Invalidate, Warm',
    server:
      'CsvImport.millrace.dev "users" is invalid: [spec.cache.mode: Unsupported value: "On": supported values: "Off", "Invalidate", "Warm", <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
  },
  {
    what: 'a cache mode that YAML read as a boolean',
    patch: { cache: { mode: false } },
    message:
      'spec.cache.mode: must be one of Off, Invalidate, Warm, in quotes: YAML reads some words as booleans',
    server:
      'CsvImport.millrace.dev "users" is invalid: [spec.cache.mode: Invalid value: "boolean": spec.cache.mode in body must be of type string: "boolean", spec.cache.mode: Unsupported value: false: supported values: "Off", "Invalidate", "Warm", <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
  },
  {
    what: 'a bound on a cache that has none',
    patch: { cache: { mode: 'Invalidate', maxBytes: '64Mi' } },
    message:
      'spec.cache.maxBytes: cache.maxBytes bounds mode Warm only; set cache.mode to Warm, or remove it',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.cache.maxBytes: Invalid value: cache.maxBytes bounds mode Warm only; set cache.mode to Warm, or remove it',
  },
  {
    what: 'a warm cache that is too small',
    patch: { cache: { mode: 'Warm', maxBytes: '1Ki' } },
    message: 'spec.cache.maxBytes: cache.maxBytes must be a size from 1Mi to 1Ti, such as 256Mi',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.cache.maxBytes: Invalid value: "1Ki": cache.maxBytes must be a size from 1Mi to 1Ti, such as 256Mi',
  },
  {
    what: 'a duration in words',
    patch: { cache: { ttl: '5 minutes' } },
    message:
      'spec.cache.ttl: must match ^([0-9]+([.][0-9]+)?(ms|s|m|h))+$. Longest life of a cached row, such as 90s or 1h30m; default 2m, with Warm 24h.',
    server:
      'CsvImport.millrace.dev "users" is invalid: [spec.cache.ttl: Invalid value: "5 minutes": spec.cache.ttl in body should match \'^([0-9]+([.][0-9]+)?(ms|s|m|h))+$\', spec.cache.ttl: Invalid value: "5 minutes": cache.ttl must be a duration from 1s to 720h, such as 90s or 1h30m]',
  },
  {
    what: 'no duration at all',
    patch: { cache: { ttl: '0s' } },
    message: 'spec.cache.ttl: cache.ttl must be a duration from 1s to 720h, such as 90s or 1h30m',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.cache.ttl: Invalid value: "0s": cache.ttl must be a duration from 1s to 720h, such as 90s or 1h30m',
  },
  {
    what: 'a bare number as a duration',
    patch: { cache: { ttl: 120 } },
    message:
      'spec.cache.ttl: must be a string: quote it. Longest life of a cached row, such as 90s or 1h30m; default 2m, with Warm 24h.',
    server:
      'CsvImport.millrace.dev "users" is invalid: [spec.cache.ttl: Invalid value: "integer": spec.cache.ttl in body must be of type string: "integer", <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
  },
  {
    what: 'a duration without end',
    patch: { cache: { ttl: '99999999999999h' } },
    message: 'spec.cache.ttl: cache.ttl must be a duration from 1s to 720h, such as 90s or 1h30m',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.cache.ttl: Invalid value: "string": type conversion error from \'string\' to \'google.protobuf.Duration\' evaluating rule: cache.ttl must be a duration from 1s to 720h, such as 90s or 1h30m',
  },
  {
    what: 'no time to live',
    patch: { ttlAfterFinished: '0s' },
    message:
      'spec.ttlAfterFinished: ttlAfterFinished must be a duration from 1s to 8760h, such as 24h',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.ttlAfterFinished: Invalid value: "0s": ttlAfterFinished must be a duration from 1s to 8760h, such as 24h',
  },
  {
    what: 'a deletion policy of another kind of resource',
    patch: { deletionPolicy: 'Delete' },
    message: 'spec.deletionPolicy: must be one of Retain, Purge',
    server:
      'CsvImport.millrace.dev "users" is invalid: [spec.deletionPolicy: Unsupported value: "Delete": supported values: "Retain", "Purge", <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
  },
  {
    what: 'passwords at the gateway',
    patch: { serve: { auth: { mode: 'Basic' } } },
    message: 'spec.serve.auth.mode: must be one of None, Tokens',
    server:
      'CsvImport.millrace.dev "users" is invalid: [spec.serve.auth.mode: Unsupported value: "Basic": supported values: "None", "Tokens", <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
  },
  {
    what: 'a filter on a number',
    patch: { serve: { filters: ['id'] } },
    message: 'spec.serve.filters: serve.filters must name columns of type text; not id',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.serve.filters: Invalid value: serve.filters must name columns of type text; not id',
  },
  {
    what: 'a filter twice',
    patch: { serve: { filters: ['first_name', 'first_name'] } },
    message: 'spec.serve.filters[1]: repeats spec.serve.filters[0]: remove one of them',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.serve.filters[1]: Duplicate value: "first_name"',
  },
  {
    what: 'no gateway',
    patch: { serve: { replicas: 0 } },
    message: 'spec.serve.replicas: must be from 1 to 64. Gateways; default 1.',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.serve.replicas: Invalid value: 0: spec.serve.replicas in body should be greater than or equal to 1',
  },
  {
    what: 'more workers at least than the default at most',
    patch: { workers: { min: 5, max: null } },
    message:
      'spec.workers.min: workers.min must not be greater than workers.max, which is 4 if left out',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.workers.min: Invalid value: workers.min must not be greater than workers.max, which is 4 if left out',
  },
  {
    what: 'bounds in the wrong order',
    patch: { workers: { min: 3, max: 2 } },
    message:
      'spec.workers.min: workers.min must not be greater than workers.max, which is 4 if left out',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.workers.min: Invalid value: workers.min must not be greater than workers.max, which is 4 if left out',
  },
  {
    what: 'a driver in other letters',
    patch: { scaling: { driver: 'Hpa' } },
    message: 'spec.scaling.driver: must be one of Auto, HPA, KEDA, Direct; did you mean HPA?',
    server:
      'CsvImport.millrace.dev "users" is invalid: [spec.scaling.driver: Unsupported value: "Hpa": supported values: "Auto", "HPA", "KEDA", "Direct", <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
  },
  {
    what: 'too many workers',
    patch: { workers: { max: 65 } },
    message: 'spec.workers.max: must be from 1 to 64. Most workers; default 4.',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.workers.max: Invalid value: 65: spec.workers.max in body should be less than or equal to 64',
  },
  {
    what: 'a string for a number',
    patch: { workers: { max: '2' } },
    message: 'spec.workers.max: must be a whole number. Most workers; default 4.',
    server:
      'CsvImport.millrace.dev "users" is invalid: [spec.workers.max: Invalid value: "string": spec.workers.max in body must be of type integer: "string", <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
  },
  {
    what: 'a chunk that is too small',
    patch: { chunkBytes: '512' },
    message: 'spec.chunkBytes: chunkBytes must be a size from 1Ki to 256Mi, such as 16Mi',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.chunkBytes: Invalid value: "512": chunkBytes must be a size from 1Ki to 256Mi, such as 16Mi',
  },
  {
    what: 'a chunk of too few bytes',
    patch: { chunkBytes: 1023 },
    message: 'spec.chunkBytes: chunkBytes must be a size from 1Ki to 256Mi, such as 16Mi',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.chunkBytes: Invalid value: 1023: chunkBytes must be a size from 1Ki to 256Mi, such as 16Mi',
  },
  {
    what: 'a chunk that is too large',
    patch: { chunkBytes: '1Gi' },
    message: 'spec.chunkBytes: chunkBytes must be a size from 1Ki to 256Mi, such as 16Mi',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.chunkBytes: Invalid value: "1Gi": chunkBytes must be a size from 1Ki to 256Mi, such as 16Mi',
  },
  {
    what: 'a size with another suffix',
    patch: { chunkBytes: '16MB' },
    message:
      'spec.chunkBytes: must match ^[0-9]+(\\.[0-9]+)?(Ki|Mi|Gi|Ti|k|M|G|T)?$. Size of one unit of work, from 1Ki to 256Mi; default 16Mi.',
    server:
      'CsvImport.millrace.dev "users" is invalid: [spec.chunkBytes: Invalid value: "16MB": spec.chunkBytes in body should match \'^[0-9]+(\\.[0-9]+)?(Ki|Mi|Gi|Ti|k|M|G|T)?$\', spec.chunkBytes: Invalid value: "16MB": chunkBytes must be a size from 1Ki to 256Mi, such as 16Mi]',
  },
  {
    what: 'a size in fractions of a byte',
    patch: { chunkBytes: 1.5 },
    message:
      'spec.chunkBytes: must be a whole number or a string. Size of one unit of work, from 1Ki to 256Mi; default 16Mi.',
    server:
      'CsvImport.millrace.dev "users" is invalid: [spec.chunkBytes: Invalid value: "number": spec.chunkBytes in body must be of type integer,string: "number", <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
  },
  {
    what: 'a record that is too large',
    patch: { maxRecordBytes: '65Mi' },
    message: 'spec.maxRecordBytes: maxRecordBytes must be a size from 1Ki to 64Mi, such as 16Mi',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.maxRecordBytes: Invalid value: "65Mi": maxRecordBytes must be a size from 1Ki to 64Mi, such as 16Mi',
  },
  {
    what: 'a boolean for a size',
    patch: { maxRecordBytes: true },
    message:
      'spec.maxRecordBytes: must be a whole number or a string. Longest record, from 1Ki to 64Mi; a longer one is rejected. Default 16Mi.',
    server:
      'CsvImport.millrace.dev "users" is invalid: [spec.maxRecordBytes: Invalid value: "boolean": spec.maxRecordBytes in body must be of type integer,string: "boolean", <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
  },
  {
    what: 'a quoted boolean',
    patch: { suspend: 'true' },
    message:
      'spec.suspend: must be true or false, without quotes. Drain and stop the loading; what is loaded stays served.',
    server:
      'CsvImport.millrace.dev "users" is invalid: [spec.suspend: Invalid value: "string": spec.suspend in body must be of type boolean: "string", <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
  },
  {
    what: 'a Secret name with capitals',
    patch: { backends: { secretName: 'My Secret' } },
    message:
      'spec.backends.secretName: must match ^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$. Name of the Secret with the connection URLs; default millrace-backends.',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.backends.secretName: Invalid value: "My Secret": spec.backends.secretName in body should match \'^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$\'',
  },
  {
    what: 'a filter that is not listed',
    patch: { serve: { filters: ['nope'] } },
    message: 'spec.serve.filters: serve.filters must name columns of type text; not nope',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.serve.filters: Invalid value: serve.filters must name columns of type text; not nope',
  },
  {
    what: 'more gateways than allowed',
    patch: { serve: { replicas: 65 } },
    message: 'spec.serve.replicas: must be from 1 to 64. Gateways; default 1.',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.serve.replicas: Invalid value: 65: spec.serve.replicas in body should be less than or equal to 64',
  },
  {
    what: 'an empty table',
    patch: { target: { table: '' } },
    message:
      'spec.target.table: must not be empty. Table to load; created if absent. At most 55 lower-case letters, digits and underscores, not starting with a digit.',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.target.table: Invalid value: "": spec.target.table in body should be at least 1 chars long',
  },
  {
    what: 'a size of no whole notation',
    patch: { chunkBytes: '1e6' },
    message:
      'spec.chunkBytes: must match ^[0-9]+(\\.[0-9]+)?(Ki|Mi|Gi|Ti|k|M|G|T)?$. Size of one unit of work, from 1Ki to 256Mi; default 16Mi.',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.chunkBytes: Invalid value: "1e6": spec.chunkBytes in body should match \'^[0-9]+(\\.[0-9]+)?(Ki|Mi|Gi|Ti|k|M|G|T)?$\'',
  },
  {
    what: 'a name for the Secret that is empty',
    patch: { backends: { secretName: '' } },
    message:
      'spec.backends.secretName: must not be empty. Name of the Secret with the connection URLs; default millrace-backends.',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.backends.secretName: Invalid value: "": spec.backends.secretName in body should be at least 1 chars long',
  },
  {
    what: 'values that are wrong in several places',
    patch: { workers: { max: 65 }, target: { table: 'Users' }, rejects: { maxPercent: 101 } },
    message:
      'spec.target.table: must match ^[a-z_][a-z0-9_]*$. Table to load; created if absent. At most 55 lower-case letters, digits and underscores, not starting with a digit.; spec.rejects.maxPercent: must be from 0 to 100. Largest share of records that may be rejected, judged on the whole file; default 100.; spec.workers.max: must be from 1 to 64. Most workers; default 4.',
    server:
      'CsvImport.millrace.dev "users" is invalid: [spec.rejects.maxPercent: Invalid value: 101: spec.rejects.maxPercent in body should be less than or equal to 100, spec.workers.max: Invalid value: 65: spec.workers.max in body should be less than or equal to 64, spec.target.table: Invalid value: "Users": spec.target.table in body should match \'^[a-z_][a-z0-9_]*$\']',
  },
  {
    what: 'a value out of bounds and a broken rule elsewhere',
    patch: { workers: { max: 65 }, serve: { filters: ['id'] } },
    message:
      'spec.workers.max: must be from 1 to 64. Most workers; default 4.; spec.serve.filters: serve.filters must name columns of type text; not id',
    server:
      'CsvImport.millrace.dev "users" is invalid: [spec.workers.max: Invalid value: 65: spec.workers.max in body should be less than or equal to 64, spec.serve.filters: Invalid value: serve.filters must name columns of type text; not id]',
  },
  {
    what: 'a broken rule hidden by a wrong type',
    patch: { suspend: 'yes', serve: { filters: ['id'] } },
    message:
      'spec.suspend: must be true or false, without quotes. Drain and stop the loading; what is loaded stays served.',
    server:
      'CsvImport.millrace.dev "users" is invalid: [spec.suspend: Invalid value: "string": spec.suspend in body must be of type boolean: "string", <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
  },
  {
    what: 'a wrong value beside an unknown field',
    patch: { tarjet: {}, workers: { max: 65 } },
    message:
      'spec.workers.max: must be from 1 to 64. Most workers; default 4.; unknown field "spec.tarjet"; did you mean target?',
    server:
      'CsvImport in version "v1alpha1" cannot be handled as a CsvImport: strict decoding error: unknown field "spec.tarjet"',
  },
];
