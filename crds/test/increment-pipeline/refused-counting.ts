/** Wrong answers to what is counted, when, and in how much memory; and fields that are none. */
import type { Refusal } from '../refusal.ts';

export const refusedCounting: readonly Refusal[] = [
  {
    what: 'an unknown field, naming the near one',
    patch: {
      tarjet: {},
    },
    message: 'unknown field "spec.tarjet"; did you mean target?',
    server:
      'IncrementPipeline in version "v1alpha1" cannot be handled as a IncrementPipeline: strict decoding error: unknown field "spec.tarjet"',
  },
  {
    what: 'an unknown field, naming all known ones when none is near',
    patch: {
      zzz: 1,
    },
    message:
      'unknown field "spec.zzz"; known here: target, durability, durabilityVouched, partitions, flush, streams, idempotency, gateway, workers, scaling, deletionPolicy, suspend, paused, backends',
    server:
      'IncrementPipeline in version "v1alpha1" cannot be handled as a IncrementPipeline: strict decoding error: unknown field "spec.zzz"',
  },
  {
    what: 'a missing target',
    patch: {
      target: null,
    },
    message: 'spec.target: is required. Where the sums are.',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: [spec.target: Required value, <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
  },
  {
    what: 'a missing table',
    patch: {
      target: {
        table: null,
      },
    },
    message:
      'spec.target.table: is required. Table of the sums: key uuid, value bigint, updated_at timestamptz; created if absent. Lower-case letters, digits and underscores, not starting with a digit.',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: [spec.target.table: Required value, <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
  },
  {
    what: 'a table with capitals',
    patch: {
      target: {
        table: 'Increments',
      },
    },
    message:
      'spec.target.table: must match ^[a-z_][a-z0-9_]*$. Table of the sums: key uuid, value bigint, updated_at timestamptz; created if absent. Lower-case letters, digits and underscores, not starting with a digit.',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: spec.target.table: Invalid value: "Increments": spec.target.table in body should match \'^[a-z_][a-z0-9_]*$\'',
  },
  {
    what: 'a long table name',
    patch: {
      target: {
        table: 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
      },
    },
    message:
      'spec.target.table: must have at most 63 characters. Table of the sums: key uuid, value bigint, updated_at timestamptz; created if absent. Lower-case letters, digits and underscores, not starting with a digit.',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: [spec.target.table: Too long: may not be more than 63 bytes, <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
  },
  {
    what: 'an empty table',
    patch: {
      target: {
        table: '',
      },
    },
    message:
      'spec.target.table: must not be empty. Table of the sums: key uuid, value bigint, updated_at timestamptz; created if absent. Lower-case letters, digits and underscores, not starting with a digit.',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: spec.target.table: Invalid value: "": spec.target.table in body should be at least 1 chars long',
  },
  {
    what: 'a table in another schema',
    patch: {
      target: {
        table: 'public.increments',
      },
    },
    message:
      'spec.target.table: must match ^[a-z_][a-z0-9_]*$. Table of the sums: key uuid, value bigint, updated_at timestamptz; created if absent. Lower-case letters, digits and underscores, not starting with a digit.',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: spec.target.table: Invalid value: "public.increments": spec.target.table in body should match \'^[a-z_][a-z0-9_]*$\'',
  },
  {
    what: 'a durability in other letters',
    patch: {
      durability: 'fsync',
    },
    message: 'spec.durability: must be one of Memory, Fsync, Replicated; did you mean Fsync?',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: [spec.durability: Unsupported value: "fsync": supported values: "Memory", "Fsync", "Replicated", <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
  },
  {
    what: 'a durability that is none',
    patch: {
      durability: 'None',
    },
    message: 'spec.durability: must be one of Memory, Fsync, Replicated',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: [spec.durability: Unsupported value: "None": supported values: "Memory", "Fsync", "Replicated", <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
  },
  {
    what: 'a quoted vouching',
    patch: {
      durabilityVouched: 'true',
    },
    message:
      'spec.durabilityVouched: must be true or false, without quotes. An administrator vouches that Redis is configured for the durability; only for servers that do not answer CONFIG.',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: [spec.durabilityVouched: Invalid value: "string": spec.durabilityVouched in body must be of type boolean: "string", <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
  },
  {
    what: 'no partitions',
    patch: {
      partitions: 0,
    },
    message:
      'spec.partitions: must be from 1 to 64. Streams, each read by one worker at a time; default 8.; spec.workers.min: workers.min must not be greater than partitions, which are 8 if left out: more workers have nothing to do',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: [spec.partitions: Invalid value: 0: spec.partitions in body should be greater than or equal to 1, spec.workers.min: Invalid value: workers.min must not be greater than partitions, which are 8 if left out: more workers have nothing to do]',
  },
  {
    what: 'too many partitions',
    patch: {
      partitions: 65,
    },
    message:
      'spec.partitions: must be from 1 to 64. Streams, each read by one worker at a time; default 8.',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: spec.partitions: Invalid value: 65: spec.partitions in body should be less than or equal to 64',
  },
  {
    what: 'a fraction of a partition',
    patch: {
      partitions: 1.5,
    },
    message:
      'spec.partitions: must be a whole number. Streams, each read by one worker at a time; default 8.',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: [spec.partitions: Invalid value: "number": spec.partitions in body must be of type integer: "number", <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
  },
  {
    what: 'a quoted number of partitions',
    patch: {
      partitions: '8',
    },
    message:
      'spec.partitions: must be a whole number. Streams, each read by one worker at a time; default 8.',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: [spec.partitions: Invalid value: "string": spec.partitions in body must be of type integer: "string", <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
  },
  {
    what: 'commits without a pause',
    patch: {
      flush: {
        interval: '99ms',
      },
    },
    message: 'spec.flush.interval: flush.interval must be a duration from 100ms to 5s, such as 1s',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: spec.flush.interval: Invalid value: "99ms": flush.interval must be a duration from 100ms to 5s, such as 1s',
  },
  {
    what: 'commits that are too rare',
    patch: {
      flush: {
        interval: '5001ms',
        staleAfter: '10s',
      },
    },
    message: 'spec.flush.interval: flush.interval must be a duration from 100ms to 5s, such as 1s',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: spec.flush.interval: Invalid value: "5001ms": flush.interval must be a duration from 100ms to 5s, such as 1s',
  },
  {
    what: 'an interval in words',
    patch: {
      flush: {
        interval: '1 second',
      },
    },
    message:
      'spec.flush.interval: must match ^([0-9]+([.][0-9]+)?(ms|s|m|h))+$. How often a worker commits what has come in; default 1s. From 100ms to 5s.',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: [spec.flush.interval: Invalid value: "1 second": spec.flush.interval in body should match \'^([0-9]+([.][0-9]+)?(ms|s|m|h))+$\', spec.flush.interval: Invalid value: "1 second": flush.interval must be a duration from 100ms to 5s, such as 1s]',
  },
  {
    what: 'an interval without a unit',
    patch: {
      flush: {
        interval: '1',
      },
    },
    message:
      'spec.flush.interval: must match ^([0-9]+([.][0-9]+)?(ms|s|m|h))+$. How often a worker commits what has come in; default 1s. From 100ms to 5s.',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: [spec.flush.interval: Invalid value: "1": spec.flush.interval in body should match \'^([0-9]+([.][0-9]+)?(ms|s|m|h))+$\', spec.flush.interval: Invalid value: "1": flush.interval must be a duration from 100ms to 5s, such as 1s]',
  },
  {
    what: 'a bare number as an interval',
    patch: {
      flush: {
        interval: 1,
      },
    },
    message:
      'spec.flush.interval: must be a string: quote it. How often a worker commits what has come in; default 1s. From 100ms to 5s.',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: [spec.flush.interval: Invalid value: "integer": spec.flush.interval in body must be of type string: "integer", <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
  },
  {
    what: 'an interval as long as the age that is stale',
    patch: {
      flush: {
        interval: '5s',
        staleAfter: '5s',
      },
    },
    message:
      'spec.flush.interval: flush.interval, 1s if left out, must be less than flush.staleAfter, 8s if left out',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: spec.flush.interval: Invalid value: flush.interval, 1s if left out, must be less than flush.staleAfter, 8s if left out',
  },
  {
    what: 'an interval longer than the age that is stale',
    patch: {
      flush: {
        interval: '4s',
        staleAfter: '3500ms',
      },
    },
    message:
      'spec.flush.interval: flush.interval, 1s if left out, must be less than flush.staleAfter, 8s if left out',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: spec.flush.interval: Invalid value: flush.interval, 1s if left out, must be less than flush.staleAfter, 8s if left out',
  },
  {
    what: 'an age below the interval that is left out',
    patch: {
      flush: {
        interval: null,
        staleAfter: '1s',
      },
    },
    message:
      'spec.flush.interval: flush.interval, 1s if left out, must be less than flush.staleAfter, 8s if left out',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: spec.flush.interval: Invalid value: flush.interval, 1s if left out, must be less than flush.staleAfter, 8s if left out',
  },
  {
    what: 'an age that nothing can meet',
    patch: {
      flush: {
        interval: '100ms',
        staleAfter: '999ms',
      },
    },
    message:
      'spec.flush.staleAfter: flush.staleAfter must be a duration from 1s to 10m, such as 8s',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: spec.flush.staleAfter: Invalid value: "999ms": flush.staleAfter must be a duration from 1s to 10m, such as 8s',
  },
  {
    what: 'an age that nobody would notice',
    patch: {
      flush: {
        staleAfter: '601s',
      },
    },
    message:
      'spec.flush.staleAfter: flush.staleAfter must be a duration from 1s to 10m, such as 8s',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: spec.flush.staleAfter: Invalid value: "601s": flush.staleAfter must be a duration from 1s to 10m, such as 8s',
  },
  {
    what: 'an interval that hides its length behind zeros',
    patch: {
      flush: {
        interval: '0000005000ms',
        staleAfter: '1.0000000s',
      },
    },
    message:
      'spec.flush.interval: flush.interval, 1s if left out, must be less than flush.staleAfter, 8s if left out',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: spec.flush.interval: Invalid value: flush.interval, 1s if left out, must be less than flush.staleAfter, 8s if left out',
  },
  {
    what: 'an age in other words',
    patch: {
      flush: {
        staleAfter: 'soon',
      },
    },
    message:
      'spec.flush.staleAfter: must match ^([0-9]+([.][0-9]+)?(ms|s|m|h))+$. Age of the oldest increment that is not in the table at which the condition Stale becomes true; default 8s. Gateways refuse with 503 what could not be committed within a quarter of it. From 1s to 10m.',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: [spec.flush.staleAfter: Invalid value: "soon": spec.flush.staleAfter in body should match \'^([0-9]+([.][0-9]+)?(ms|s|m|h))+$\', spec.flush.staleAfter: Invalid value: "soon": flush.staleAfter must be a duration from 1s to 10m, such as 8s]',
  },
  {
    what: 'an age without end',
    patch: {
      flush: {
        staleAfter: '99999999999999h',
      },
    },
    message:
      'spec.flush.staleAfter: flush.staleAfter must be a duration from 1s to 10m, such as 8s',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: spec.flush.staleAfter: Invalid value: "string": type conversion error from \'string\' to \'google.protobuf.Duration\' evaluating rule: flush.staleAfter must be a duration from 1s to 10m, such as 8s',
  },
  {
    what: 'no keys in a commit',
    patch: {
      flush: {
        maxKeys: 0,
      },
    },
    message:
      'spec.flush.maxKeys: must be from 1 to 100000. Most keys of one commit; more make the next one come at once. Default 5000.',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: spec.flush.maxKeys: Invalid value: 0: spec.flush.maxKeys in body should be greater than or equal to 1',
  },
  {
    what: 'too many keys in a commit',
    patch: {
      flush: {
        maxKeys: 100001,
      },
    },
    message:
      'spec.flush.maxKeys: must be from 1 to 100000. Most keys of one commit; more make the next one come at once. Default 5000.',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: spec.flush.maxKeys: Invalid value: 100001: spec.flush.maxKeys in body should be less than or equal to 100000',
  },
  {
    what: 'no room in the streams',
    patch: {
      streams: {
        maxBytes: 0,
      },
    },
    message:
      'spec.streams.maxBytes: streams.maxBytes must be a size from 1Mi to 64Gi, such as 256Mi',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: spec.streams.maxBytes: Invalid value: 0: streams.maxBytes must be a size from 1Mi to 64Gi, such as 256Mi',
  },
  {
    what: 'too little room in the streams',
    patch: {
      streams: {
        maxBytes: '1023Ki',
      },
    },
    message:
      'spec.streams.maxBytes: streams.maxBytes must be a size from 1Mi to 64Gi, such as 256Mi',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: spec.streams.maxBytes: Invalid value: "1023Ki": streams.maxBytes must be a size from 1Mi to 64Gi, such as 256Mi',
  },
  {
    what: 'too little room, in bytes',
    patch: {
      streams: {
        maxBytes: 1048575,
      },
    },
    message:
      'spec.streams.maxBytes: streams.maxBytes must be a size from 1Mi to 64Gi, such as 256Mi',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: spec.streams.maxBytes: Invalid value: 1048575: streams.maxBytes must be a size from 1Mi to 64Gi, such as 256Mi',
  },
  {
    what: 'too much room in the streams',
    patch: {
      streams: {
        maxBytes: '64.1Gi',
      },
    },
    message:
      'spec.streams.maxBytes: streams.maxBytes must be a size from 1Mi to 64Gi, such as 256Mi',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: spec.streams.maxBytes: Invalid value: "64.1Gi": streams.maxBytes must be a size from 1Mi to 64Gi, such as 256Mi',
  },
  {
    what: 'a size with another suffix',
    patch: {
      streams: {
        maxBytes: '256MB',
      },
    },
    message:
      'spec.streams.maxBytes: must match ^[0-9]+(\\.[0-9]+)?(Ki|Mi|Gi|Ti|k|M|G|T)?$. Memory of Redis that increments may hold before they are in the table, from 1Mi to 64Gi; beyond it they are refused with 503. Default 256Mi.',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: [spec.streams.maxBytes: Invalid value: "256MB": spec.streams.maxBytes in body should match \'^[0-9]+(\\.[0-9]+)?(Ki|Mi|Gi|Ti|k|M|G|T)?$\', spec.streams.maxBytes: Invalid value: "256MB": streams.maxBytes must be a size from 1Mi to 64Gi, such as 256Mi]',
  },
  {
    what: 'a negative size',
    patch: {
      streams: {
        maxBytes: -1,
      },
    },
    message:
      'spec.streams.maxBytes: streams.maxBytes must be a size from 1Mi to 64Gi, such as 256Mi',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: spec.streams.maxBytes: Invalid value: -1: streams.maxBytes must be a size from 1Mi to 64Gi, such as 256Mi',
  },
  {
    what: 'a size in fractions of a byte',
    patch: {
      streams: {
        maxBytes: 1048576.5,
      },
    },
    message:
      'spec.streams.maxBytes: must be a whole number or a string. Memory of Redis that increments may hold before they are in the table, from 1Mi to 64Gi; beyond it they are refused with 503. Default 256Mi.',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: [spec.streams.maxBytes: Invalid value: "number": spec.streams.maxBytes in body must be of type integer,string: "number", <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
  },
  {
    what: 'a boolean for a size',
    patch: {
      streams: {
        maxBytes: true,
      },
    },
    message:
      'spec.streams.maxBytes: must be a whole number or a string. Memory of Redis that increments may hold before they are in the table, from 1Mi to 64Gi; beyond it they are refused with 503. Default 256Mi.',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: [spec.streams.maxBytes: Invalid value: "boolean": spec.streams.maxBytes in body must be of type integer,string: "boolean", <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
  },
];
