/** What must be accepted, in memory and by a real server, as merge patches of the example's spec. */
import type { Accepted } from '../refusal.ts';

export const acceptedSpecs: readonly Accepted[] = [
  {
    what: 'the least that can be asked',
    patch: { columns: null, serve: null, target: { key: null } },
  },
  { what: 'a key without listed columns', patch: { columns: null, serve: null } },
  { what: 'sizes in bytes and in units', patch: { chunkBytes: 1024, maxRecordBytes: '64Mi' } },
  { what: 'a size with a fraction', patch: { chunkBytes: '1.5Mi', maxRecordBytes: '1.024k' } },
  { what: 'the shortest and the longest life', patch: { cache: { ttl: '1000ms' } } },
  { what: 'a long life in a mixed notation', patch: { cache: { ttl: '719h59m60s' } } },
  { what: 'the word Off', patch: { cache: { mode: 'Off' } } },
  { what: 'a warm cache', patch: { cache: { mode: 'Warm', maxBytes: '256Mi' } } },
  {
    what: 'positions for headers',
    patch: { columns: [{ name: 'id', from: 0, type: 'bigint' }], serve: null },
  },
  {
    what: 'a date pattern',
    patch: { columns: [{ name: 'id', type: 'date', format: 'dd.MM.yyyy' }], serve: null },
  },
  { what: 'a tab', patch: { format: { delimiter: '\t', comment: '#' } } },
  { what: 'a delimiter outside ASCII', patch: { format: { delimiter: '¦', comment: '§' } } },
  {
    what: 'runs of spaces in UTF-16',
    patch: { format: { delimiter: 'WideSpaces', encoding: 'UTF-16LE' } },
  },
  {
    what: 'a preamble',
    patch: { format: { preambleLines: 1000, encoding: 'UTF-16BE', delimiter: 'Spaces' } },
  },
  {
    what: 'a path with dots in names',
    patch: { source: { volume: { path: 'a..b/.c/d...csv' } } },
  },
  {
    what: 'an object of an S3 store',
    patch: { source: { volume: null, s3: { bucket: 'drops', key: 'a folder/users.csv' } } },
  },
  {
    what: 'a version of an object',
    patch: { source: { volume: null, s3: { bucket: 'a.b', key: '/é', versionId: '3/L4' } } },
  },
  {
    what: 'a compressed file on a web server, with an at sign in its query',
    patch: {
      source: {
        volume: null,
        http: { url: 'http://drops:8080/users?by=a@b' },
        compression: 'Gzip',
      },
    },
  },
  {
    what: 'a sealed column that lists can be searched by, and one of another type',
    patch: {
      columns: [
        { name: 'id', type: 'bigint' },
        { name: 'email', type: 'text', sealed: true, searchable: true },
        { name: 'born', type: 'date', sealed: true },
      ],
      format: { header: 'Present' },
      serve: { filters: ['email'] },
    },
  },
  {
    what: 'a sealed column of a file without a header',
    patch: {
      columns: [
        { name: 'id', type: 'bigint' },
        { name: 'email', type: 'text', sealed: true },
      ],
      format: { header: 'Absent' },
      serve: null,
    },
  },
  {
    what: 'a header to be found where nothing is sealed',
    patch: {
      columns: [{ name: 'id', type: 'bigint', sealed: false }],
      format: { header: 'Auto' },
      serve: null,
    },
  },
  { what: 'keys that may not repeat', patch: { target: { onConflict: 'Fail' } } },
  {
    what: 'data that goes with the import, a day after its end',
    patch: { deletionPolicy: 'Purge', ttlAfterFinished: '24h' },
  },
  { what: 'workers that KEDA scales', patch: { scaling: { driver: 'KEDA' } } },
  { what: 'workers that anything scales', patch: { scaling: {} } },
  {
    what: 'a bound on requests by key',
    patch: { serve: { rateLimit: { requests: 1, per: '1h', by: 'Key' } } },
  },
  {
    what: 'the largest bound on requests of clients',
    patch: { serve: { rateLimit: { requests: 1_000_000_000, per: '1s' } } },
  },
  { what: 'no more than the bounds allow', patch: { workers: { min: 64, max: 64 } } },
];

/** Changes that an import takes while it runs. */
export const acceptedChanges: readonly Accepted[] = [
  { what: 'other bounds for workers', patch: { workers: { min: 1, max: 64 } } },
  { what: 'bounds that go', patch: { workers: null } },
  { what: 'workers that the operator scales', patch: { scaling: { driver: 'Direct' } } },
  { what: 'a suspension', patch: { suspend: true } },
  { what: 'a pause', patch: { paused: true } },
  { what: 'more rejects', patch: { rejects: { maxRows: 5_000, maxPercent: null } } },
  { what: 'another cache', patch: { cache: { mode: 'Off', ttl: null } } },
  { what: 'more gateways and other filters', patch: { serve: { replicas: 3, filters: null } } },
  { what: 'data that goes after all', patch: { deletionPolicy: 'Purge' } },
  { what: 'another time to live', patch: { ttlAfterFinished: '8760h' } },
  { what: 'tokens from now on', patch: { serve: { auth: { mode: 'Tokens' } } } },
  {
    what: 'a bound on requests from now on',
    patch: { serve: { rateLimit: { requests: 600, per: '1m', by: 'Client' } } },
  },
  { what: 'another Secret', patch: { backends: { secretName: 'other-backends' } } },
];
