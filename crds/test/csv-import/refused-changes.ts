/** Changes of what decides which data is loaded: refused, with what to do instead. */
import type { RefusedChange } from '../refusal.ts';

export const refusedChanges: readonly RefusedChange[] = [
  {
    what: 'another file',
    patch: { source: { volume: { path: 'b.csv' } } },
    message: 'spec.source: source is immutable; create a new CsvImport instead',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.source: Forbidden: source is immutable; create a new CsvImport instead',
  },
  {
    what: 'another table',
    patch: { target: { table: 'others' } },
    message: 'spec.target: target is immutable; create a new CsvImport instead',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.target: Forbidden: target is immutable; create a new CsvImport instead',
  },
  {
    what: 'another key',
    patch: { target: { key: null } },
    message: 'spec.target: target is immutable; create a new CsvImport instead',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.target: Forbidden: target is immutable; create a new CsvImport instead',
  },
  {
    what: 'a dialect that appears',
    patch: { format: { header: 'Absent' } },
    message: 'spec.format: format is immutable; create a new CsvImport instead',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.format: Forbidden: format is immutable; create a new CsvImport instead',
  },
  {
    what: 'a dialect that changes',
    from: { format: { header: 'Absent' } },
    patch: { format: { header: 'Present' } },
    message: 'spec.format: format is immutable; create a new CsvImport instead',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.format: Forbidden: format is immutable; create a new CsvImport instead',
  },
  {
    what: 'a dialect that goes',
    from: { format: { header: 'Absent' } },
    patch: { format: null },
    message: 'spec.format: format is immutable; create a new CsvImport instead',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.format: Forbidden: format is immutable; create a new CsvImport instead',
  },
  {
    what: 'another type of a column',
    patch: {
      columns: [
        { name: 'id', type: 'bigint' },
        { name: 'first_name', type: 'text', nullValues: ['-'] },
        { name: 'last_name', type: 'text' },
        { name: 'email_address', type: 'text' },
        { name: 'created_at', type: 'timestamp', format: 'EpochMillis' },
        { name: 'deleted_at', type: 'timestamp', format: 'EpochMillis', nullValues: ['-1'] },
        { name: 'merged_at', type: 'timestamp', format: 'EpochMillis', nullValues: ['-1'] },
        { name: 'parent_user_id', type: 'bigint', nullValues: ['-1'] },
      ],
    },
    message: 'spec.columns: columns and their order are immutable; create a new CsvImport instead',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.columns: Forbidden: columns and their order are immutable; create a new CsvImport instead',
  },
  {
    what: 'a column less',
    patch: {
      columns: [
        { name: 'id', type: 'bigint' },
        { name: 'first_name', type: 'text' },
        { name: 'last_name', type: 'text' },
        { name: 'email_address', type: 'text' },
        { name: 'created_at', type: 'timestamp', format: 'EpochMillis' },
        { name: 'deleted_at', type: 'timestamp', format: 'EpochMillis', nullValues: ['-1'] },
        { name: 'merged_at', type: 'timestamp', format: 'EpochMillis', nullValues: ['-1'] },
      ],
    },
    message: 'spec.columns: columns and their order are immutable; create a new CsvImport instead',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.columns: Forbidden: columns and their order are immutable; create a new CsvImport instead',
  },
  {
    what: 'another order of columns',
    patch: {
      columns: [
        { name: 'parent_user_id', type: 'bigint', nullValues: ['-1'] },
        { name: 'merged_at', type: 'timestamp', format: 'EpochMillis', nullValues: ['-1'] },
        { name: 'deleted_at', type: 'timestamp', format: 'EpochMillis', nullValues: ['-1'] },
        { name: 'created_at', type: 'timestamp', format: 'EpochMillis' },
        { name: 'email_address', type: 'text' },
        { name: 'last_name', type: 'text' },
        { name: 'first_name', type: 'text' },
        { name: 'id', type: 'bigint' },
      ],
    },
    message: 'spec.columns: columns and their order are immutable; create a new CsvImport instead',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.columns: Forbidden: columns and their order are immutable; create a new CsvImport instead',
  },
  {
    what: 'columns that go',
    patch: { columns: null },
    message: 'spec.columns: columns are immutable; create a new CsvImport instead',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.columns: Forbidden: columns are immutable; create a new CsvImport instead',
  },
  {
    what: 'columns that appear',
    from: { columns: null, serve: null },
    patch: { columns: [{ name: 'id', type: 'bigint' }] },
    message: 'spec.columns: columns are immutable; create a new CsvImport instead',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.columns: Forbidden: columns are immutable; create a new CsvImport instead',
  },
  {
    what: 'another size of chunks',
    patch: { chunkBytes: '4Mi' },
    message: 'spec.chunkBytes: chunkBytes is immutable; create a new CsvImport instead',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.chunkBytes: Forbidden: chunkBytes is immutable; create a new CsvImport instead',
  },
  {
    what: 'the same size of chunks in another notation',
    patch: { chunkBytes: '2048Ki' },
    message: 'spec.chunkBytes: chunkBytes is immutable; create a new CsvImport instead',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.chunkBytes: Forbidden: chunkBytes is immutable; create a new CsvImport instead',
  },
  {
    what: 'the same size of chunks as a number',
    patch: { chunkBytes: 2097152 },
    message: 'spec.chunkBytes: chunkBytes is immutable; create a new CsvImport instead',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.chunkBytes: Forbidden: chunkBytes is immutable; create a new CsvImport instead',
  },
  {
    what: 'a size of chunks that goes',
    patch: { chunkBytes: null },
    message: 'spec.chunkBytes: chunkBytes is immutable; create a new CsvImport instead',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.chunkBytes: Forbidden: chunkBytes is immutable; create a new CsvImport instead',
  },
  {
    what: 'a longest record that appears',
    patch: { maxRecordBytes: '1Mi' },
    message: 'spec.maxRecordBytes: maxRecordBytes is immutable; create a new CsvImport instead',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.maxRecordBytes: Forbidden: maxRecordBytes is immutable; create a new CsvImport instead',
  },
  {
    what: 'another longest record',
    from: { maxRecordBytes: '1Mi' },
    patch: { maxRecordBytes: '2Mi' },
    message: 'spec.maxRecordBytes: maxRecordBytes is immutable; create a new CsvImport instead',
    server:
      'CsvImport.millrace.dev "users" is invalid: spec.maxRecordBytes: Forbidden: maxRecordBytes is immutable; create a new CsvImport instead',
  },
  {
    what: 'a change of two fields',
    patch: { target: { table: 'others' }, workers: { max: 65 } },
    message:
      'spec.workers.max: must be from 1 to 64. Most workers; default 4.; spec.target: target is immutable; create a new CsvImport instead',
    server:
      'CsvImport.millrace.dev "users" is invalid: [spec.workers.max: Invalid value: 65: spec.workers.max in body should be less than or equal to 64, spec.target: Forbidden: target is immutable; create a new CsvImport instead]',
  },
];
