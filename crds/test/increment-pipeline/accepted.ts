/** What must be accepted, in memory and by a real server, as merge patches of the example's spec. */
import type { Accepted } from '../refusal.ts';

export const acceptedSpecs: readonly Accepted[] = [
  {
    what: 'the least that can be asked',
    patch: {
      durability: null,
      partitions: null,
      flush: null,
      idempotency: null,
      gateway: null,
      workers: null,
    },
  },
  {
    what: 'nothing in parts that may be left out',
    patch: { flush: null, gateway: {}, streams: {} },
  },
  { what: 'the shortest table name', patch: { target: { table: '_' } } },
  {
    what: 'the longest table name',
    patch: { target: { table: 'a23456789012345678901234567890123456789012345678901234567890123' } },
  },
  { what: 'increments in memory alone', patch: { durability: 'Memory' } },
  {
    what: 'replicas that somebody vouches for',
    patch: { durability: 'Replicated', durabilityVouched: true },
  },
  { what: 'one partition', patch: { partitions: 1, workers: { min: 1 } } },
  {
    what: 'as many partitions as there may be',
    patch: { partitions: 64, workers: { min: 64, max: 64 } },
  },
  { what: 'as many workers at least as partitions', patch: { partitions: 2, workers: { min: 2 } } },
  { what: 'more workers at most than partitions', patch: { partitions: 2, workers: { max: 64 } } },
  {
    what: 'the shortest interval and age',
    patch: { flush: { interval: '100ms', staleAfter: '1s', maxKeys: 1 } },
  },
  {
    what: 'the longest interval and age',
    patch: { flush: { interval: '5s', staleAfter: '10m', maxKeys: 100_000 } },
  },
  {
    what: 'an age just above the interval',
    patch: { flush: { interval: '2s', staleAfter: '2.001s' } },
  },
  {
    what: 'an interval below the age that is left out',
    patch: { flush: { interval: '5s', staleAfter: null } },
  },
  {
    what: 'durations in a mixed notation',
    patch: { flush: { interval: '0.5s500ms', staleAfter: '1m30s' } },
  },
  { what: 'the least room in the streams', patch: { streams: { maxBytes: '1Mi' } } },
  { what: 'the least room, in bytes', patch: { streams: { maxBytes: 1_048_576 } } },
  { what: 'the most room, in another unit', patch: { streams: { maxBytes: '65536Mi' } } },
  { what: 'room of a fraction', patch: { streams: { maxBytes: '1.5Gi' } } },
  { what: 'the shortest window', patch: { idempotency: { window: '60s', maxKeys: 1_000 } } },
  { what: 'the longest window', patch: { idempotency: { window: '168h', maxKeys: 100_000_000 } } },
  { what: 'one gateway', patch: { gateway: { replicas: 1 } } },
  { what: 'as many gateways as there may be', patch: { gateway: { replicas: 64 } } },
  { what: 'no bound on requests', patch: { gateway: { rateLimit: null } } },
  {
    what: 'the lowest rate',
    patch: { gateway: { rateLimit: { requests: 1, per: '1h', by: 'Key' } } },
  },
  {
    what: 'the highest rate',
    patch: { gateway: { rateLimit: { requests: 1_000_000_000, per: '1s', by: null } } },
  },
  { what: 'callers with tokens', patch: { gateway: { auth: { mode: 'Tokens' } } } },
  { what: 'anybody, in so many words', patch: { gateway: { auth: { mode: 'None' } } } },
  { what: 'workers that an autoscaler scales', patch: { scaling: { driver: 'HPA' } } },
  { what: 'workers that KEDA scales', patch: { scaling: { driver: 'KEDA' } } },
  { what: 'workers that anything scales', patch: { scaling: {} } },
  { what: 'a purge at the end', patch: { deletionPolicy: 'Purge' } },
  { what: 'sums that stay, in so many words', patch: { deletionPolicy: 'Retain' } },
  { what: 'a pipeline that begins suspended', patch: { suspend: true } },
  { what: 'a pipeline that begins paused', patch: { paused: true } },
  { what: 'another Secret', patch: { backends: { secretName: 'other.backends' } } },
];

/** Changes that a pipeline takes while it runs. */
export const acceptedChanges: readonly Accepted[] = [
  { what: 'the same once more', patch: { target: { table: 'increments' }, partitions: 8 } },
  { what: 'another durability', patch: { durability: 'Memory' } },
  { what: 'a durability that goes', patch: { durability: null } },
  { what: 'other commits', patch: { flush: { interval: '2s', maxKeys: 100, staleAfter: null } } },
  { what: 'more room in the streams', patch: { streams: { maxBytes: '1Gi' } } },
  { what: 'a shorter window', patch: { idempotency: { window: '1h' } } },
  { what: 'repetitions that are refused', patch: { idempotency: null } },
  { what: 'more gateways', patch: { gateway: { replicas: 5 } } },
  { what: 'another rate', patch: { gateway: { rateLimit: { requests: 1, by: 'Key' } } } },
  { what: 'callers with tokens', patch: { gateway: { auth: { mode: 'Tokens' } } } },
  { what: 'other bounds for workers', patch: { workers: { min: 8, max: 64 } } },
  { what: 'bounds that go', patch: { workers: null } },
  { what: 'workers that the operator scales', patch: { scaling: { driver: 'Direct' } } },
  { what: 'a purge at the end', patch: { deletionPolicy: 'Purge' } },
  { what: 'a suspension', patch: { suspend: true } },
  { what: 'a pause', patch: { paused: true } },
  { what: 'another Secret', patch: { backends: { secretName: 'other-backends' } } },
];
