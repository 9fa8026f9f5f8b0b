/** Wrong answers to who may ask how often, and to how much may run. */
import type { Refusal } from '../refusal.ts';

export const refusedServing: readonly Refusal[] = [
  {
    what: 'repetitions without a window',
    patch: {
      idempotency: {
        window: null,
      },
    },
    message:
      'spec.idempotency.window: is required. How long after its commit a request with an Idempotency-Key is recognised at least. From 1m to 168h.',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: [spec.idempotency.window: Required value, <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
  },
  {
    what: 'a window that is too short',
    patch: {
      idempotency: {
        window: '59s',
      },
    },
    message:
      'spec.idempotency.window: idempotency.window must be a duration from 1m to 168h, such as 24h',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: spec.idempotency.window: Invalid value: "59s": idempotency.window must be a duration from 1m to 168h, such as 24h',
  },
  {
    what: 'a window that is too long',
    patch: {
      idempotency: {
        window: '168h1s',
      },
    },
    message:
      'spec.idempotency.window: idempotency.window must be a duration from 1m to 168h, such as 24h',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: spec.idempotency.window: Invalid value: "168h1s": idempotency.window must be a duration from 1m to 168h, such as 24h',
  },
  {
    what: 'a window in days',
    patch: {
      idempotency: {
        window: '1d',
      },
    },
    message:
      'spec.idempotency.window: must match ^([0-9]+([.][0-9]+)?(ms|s|m|h))+$. How long after its commit a request with an Idempotency-Key is recognised at least. From 1m to 168h.',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: [spec.idempotency.window: Invalid value: "1d": spec.idempotency.window in body should match \'^([0-9]+([.][0-9]+)?(ms|s|m|h))+$\', spec.idempotency.window: Invalid value: "1d": idempotency.window must be a duration from 1m to 168h, such as 24h]',
  },
  {
    what: 'too few remembered keys',
    patch: {
      idempotency: {
        maxKeys: 999,
      },
    },
    message:
      'spec.idempotency.maxKeys: must be from 1000 to 100000000. Most keys that Redis remembers at a time; beyond it requests with a key are refused with 503. Default 1000000.',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: spec.idempotency.maxKeys: Invalid value: 999: spec.idempotency.maxKeys in body should be greater than or equal to 1000',
  },
  {
    what: 'too many remembered keys',
    patch: {
      idempotency: {
        maxKeys: 100000001,
      },
    },
    message:
      'spec.idempotency.maxKeys: must be from 1000 to 100000000. Most keys that Redis remembers at a time; beyond it requests with a key are refused with 503. Default 1000000.',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: spec.idempotency.maxKeys: Invalid value: 100000001: spec.idempotency.maxKeys in body should be less than or equal to 100000000',
  },
  {
    what: 'no gateway',
    patch: {
      gateway: {
        replicas: 0,
      },
    },
    message: 'spec.gateway.replicas: must be from 1 to 64. Gateways; default 2.',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: spec.gateway.replicas: Invalid value: 0: spec.gateway.replicas in body should be greater than or equal to 1',
  },
  {
    what: 'too many gateways',
    patch: {
      gateway: {
        replicas: 65,
      },
    },
    message: 'spec.gateway.replicas: must be from 1 to 64. Gateways; default 2.',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: spec.gateway.replicas: Invalid value: 65: spec.gateway.replicas in body should be less than or equal to 64',
  },
  {
    what: 'a misspelt part of the gateway',
    patch: {
      gateway: {
        ratelimit: {},
      },
    },
    message: 'unknown field "spec.gateway.ratelimit"; did you mean rateLimit?',
    server:
      'IncrementPipeline in version "v1alpha1" cannot be handled as a IncrementPipeline: strict decoding error: unknown field "spec.gateway.ratelimit"',
  },
  {
    what: 'a rate of nothing',
    patch: {
      gateway: {
        rateLimit: {
          requests: 0,
        },
      },
    },
    message:
      'spec.gateway.rateLimit.requests: must be from 1 to 1000000000. Most requests of one client, or that name one key, in each period; one more is answered 429.',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: spec.gateway.rateLimit.requests: Invalid value: 0: spec.gateway.rateLimit.requests in body should be greater than or equal to 1',
  },
  {
    what: 'a rate without end',
    patch: {
      gateway: {
        rateLimit: {
          requests: 1000000001,
        },
      },
    },
    message:
      'spec.gateway.rateLimit.requests: must be from 1 to 1000000000. Most requests of one client, or that name one key, in each period; one more is answered 429.',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: spec.gateway.rateLimit.requests: Invalid value: 1000000001: spec.gateway.rateLimit.requests in body should be less than or equal to 1000000000',
  },
  {
    what: 'a rate without a period',
    patch: {
      gateway: {
        rateLimit: {
          per: null,
        },
      },
    },
    message: 'spec.gateway.rateLimit.per: is required. The period, from 1s to 1h, such as 1m.',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: [spec.gateway.rateLimit.per: Required value, <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
  },
  {
    what: 'a rate without a number',
    patch: {
      gateway: {
        rateLimit: {
          requests: null,
        },
      },
    },
    message:
      'spec.gateway.rateLimit.requests: is required. Most requests of one client, or that name one key, in each period; one more is answered 429.',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: [spec.gateway.rateLimit.requests: Required value, <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
  },
  {
    what: 'a period that is too short',
    patch: {
      gateway: {
        rateLimit: {
          per: '999ms',
        },
      },
    },
    message:
      'spec.gateway.rateLimit.per: rateLimit.per must be a duration from 1s to 1h, such as 1m',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: spec.gateway.rateLimit.per: Invalid value: "999ms": rateLimit.per must be a duration from 1s to 1h, such as 1m',
  },
  {
    what: 'a period that is too long',
    patch: {
      gateway: {
        rateLimit: {
          per: '61m',
        },
      },
    },
    message:
      'spec.gateway.rateLimit.per: rateLimit.per must be a duration from 1s to 1h, such as 1m',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: spec.gateway.rateLimit.per: Invalid value: "61m": rateLimit.per must be a duration from 1s to 1h, such as 1m',
  },
  {
    what: 'a period in words',
    patch: {
      gateway: {
        rateLimit: {
          per: 'minute',
        },
      },
    },
    message:
      'spec.gateway.rateLimit.per: must match ^([0-9]+([.][0-9]+)?(ms|s|m|h))+$. The period, from 1s to 1h, such as 1m.',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: [spec.gateway.rateLimit.per: Invalid value: "minute": spec.gateway.rateLimit.per in body should match \'^([0-9]+([.][0-9]+)?(ms|s|m|h))+$\', spec.gateway.rateLimit.per: Invalid value: "minute": rateLimit.per must be a duration from 1s to 1h, such as 1m]',
  },
  {
    what: 'a rate by something else',
    patch: {
      gateway: {
        rateLimit: {
          by: 'Address',
        },
      },
    },
    message: 'spec.gateway.rateLimit.by: must be one of Client, Key',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: [spec.gateway.rateLimit.by: Unsupported value: "Address": supported values: "Client", "Key", <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
  },
  {
    what: 'an unknown way to know callers',
    patch: {
      gateway: {
        auth: {
          mode: 'Jwt',
        },
      },
    },
    message: 'spec.gateway.auth.mode: must be one of None, Tokens',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: [spec.gateway.auth.mode: Unsupported value: "Jwt": supported values: "None", "Tokens", <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
  },
  {
    what: 'callers to be known by nothing',
    patch: {
      gateway: {
        auth: {},
      },
    },
    message:
      'spec.gateway.auth.mode: is required. None (default): everybody who reaches the gateway may use it. Tokens: a bearer token that the key TOKENS of the backends Secret lists, one `name:token` a line.',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: [spec.gateway.auth.mode: Required value, <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
  },
  {
    what: 'a boolean for a word',
    patch: {
      gateway: {
        auth: {
          mode: true,
        },
      },
    },
    message:
      'spec.gateway.auth.mode: must be one of None, Tokens, in quotes: YAML reads some words as booleans',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: [spec.gateway.auth.mode: Invalid value: "boolean": spec.gateway.auth.mode in body must be of type string: "boolean", spec.gateway.auth.mode: Unsupported value: true: supported values: "None", "Tokens", <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
  },
  {
    what: 'no worker at least',
    patch: {
      workers: {
        min: 0,
      },
    },
    message: 'spec.workers.min: must be from 1 to 64. Fewest workers; default 1.',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: spec.workers.min: Invalid value: 0: spec.workers.min in body should be greater than or equal to 1',
  },
  {
    what: 'too many workers',
    patch: {
      workers: {
        max: 65,
      },
    },
    message:
      'spec.workers.max: must be from 1 to 64. Most workers; default 4. More than there are partitions have nothing to do.',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: spec.workers.max: Invalid value: 65: spec.workers.max in body should be less than or equal to 64',
  },
  {
    what: 'a driver that is none',
    patch: {
      scaling: {
        driver: 'VPA',
      },
    },
    message: 'spec.scaling.driver: must be one of Auto, HPA, KEDA, Direct; did you mean HPA?',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: [spec.scaling.driver: Unsupported value: "VPA": supported values: "Auto", "HPA", "KEDA", "Direct", <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
  },
  {
    what: 'bounds in the wrong order',
    patch: {
      workers: {
        min: 3,
        max: 2,
      },
    },
    message:
      'spec.workers.min: workers.min must not be greater than workers.max, which is 4 if left out',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: spec.workers.min: Invalid value: workers.min must not be greater than workers.max, which is 4 if left out',
  },
  {
    what: 'more workers at least than the default at most',
    patch: {
      workers: {
        min: 5,
        max: null,
      },
    },
    message:
      'spec.workers.min: workers.min must not be greater than workers.max, which is 4 if left out',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: spec.workers.min: Invalid value: workers.min must not be greater than workers.max, which is 4 if left out',
  },
  {
    what: 'more workers at least than partitions',
    patch: {
      partitions: 2,
      workers: {
        min: 3,
        max: 8,
      },
    },
    message:
      'spec.workers.min: workers.min must not be greater than partitions, which are 8 if left out: more workers have nothing to do',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: spec.workers.min: Invalid value: workers.min must not be greater than partitions, which are 8 if left out: more workers have nothing to do',
  },
  {
    what: 'more workers at least than partitions that are left out',
    patch: {
      partitions: null,
      workers: {
        min: 9,
        max: 9,
      },
    },
    message:
      'spec.workers.min: workers.min must not be greater than partitions, which are 8 if left out: more workers have nothing to do',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: spec.workers.min: Invalid value: workers.min must not be greater than partitions, which are 8 if left out: more workers have nothing to do',
  },
  {
    what: 'a string for a number',
    patch: {
      workers: {
        max: '8',
      },
    },
    message:
      'spec.workers.max: must be a whole number. Most workers; default 4. More than there are partitions have nothing to do.',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: [spec.workers.max: Invalid value: "string": spec.workers.max in body must be of type integer: "string", <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
  },
  {
    what: 'a deletion policy in other letters',
    patch: {
      deletionPolicy: 'retain',
    },
    message: 'spec.deletionPolicy: must be one of Retain, Purge; did you mean Retain?',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: [spec.deletionPolicy: Unsupported value: "retain": supported values: "Retain", "Purge", <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
  },
  {
    what: 'another deletion policy',
    patch: {
      deletionPolicy: 'Delete',
    },
    message: 'spec.deletionPolicy: must be one of Retain, Purge',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: [spec.deletionPolicy: Unsupported value: "Delete": supported values: "Retain", "Purge", <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
  },
  {
    what: 'a quoted boolean',
    patch: {
      suspend: 'true',
    },
    message:
      'spec.suspend: must be true or false, without quotes. Stop taking increments, commit those in flight, and stop once none is left; see the condition Draining.',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: [spec.suspend: Invalid value: "string": spec.suspend in body must be of type boolean: "string", <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
  },
  {
    what: 'a pause in words',
    patch: {
      paused: 'yes',
    },
    message:
      'spec.paused: must be true or false, without quotes. Keep the operator from touching anything of this resource.',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: [spec.paused: Invalid value: "string": spec.paused in body must be of type boolean: "string", <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
  },
  {
    what: 'a Secret name with capitals',
    patch: {
      backends: {
        secretName: 'My Secret',
      },
    },
    message:
      'spec.backends.secretName: must match ^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$. Name of the Secret with the connection URLs; default millrace-backends.',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: spec.backends.secretName: Invalid value: "My Secret": spec.backends.secretName in body should match \'^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$\'',
  },
  {
    what: 'a name for the Secret that is empty',
    patch: {
      backends: {
        secretName: '',
      },
    },
    message:
      'spec.backends.secretName: must not be empty. Name of the Secret with the connection URLs; default millrace-backends.',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: spec.backends.secretName: Invalid value: "": spec.backends.secretName in body should be at least 1 chars long',
  },
  {
    what: 'a long name for the Secret',
    patch: {
      backends: {
        secretName:
          'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
      },
    },
    message:
      'spec.backends.secretName: must have at most 253 characters. Name of the Secret with the connection URLs; default millrace-backends.',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: [spec.backends.secretName: Too long: may not be more than 253 bytes, <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
  },
  {
    what: 'values that are wrong in several places',
    patch: {
      workers: {
        max: 65,
      },
      target: {
        table: 'X',
      },
      flush: {
        maxKeys: 0,
      },
    },
    message:
      'spec.target.table: must match ^[a-z_][a-z0-9_]*$. Table of the sums: key uuid, value bigint, updated_at timestamptz; created if absent. Lower-case letters, digits and underscores, not starting with a digit.; spec.flush.maxKeys: must be from 1 to 100000. Most keys of one commit; more make the next one come at once. Default 5000.; spec.workers.max: must be from 1 to 64. Most workers; default 4. More than there are partitions have nothing to do.',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: [spec.flush.maxKeys: Invalid value: 0: spec.flush.maxKeys in body should be greater than or equal to 1, spec.target.table: Invalid value: "X": spec.target.table in body should match \'^[a-z_][a-z0-9_]*$\', spec.workers.max: Invalid value: 65: spec.workers.max in body should be less than or equal to 64]',
  },
  {
    what: 'a value out of bounds and a broken rule elsewhere',
    patch: {
      workers: {
        max: 65,
      },
      flush: {
        interval: '5s',
        staleAfter: '2s',
      },
    },
    message:
      'spec.workers.max: must be from 1 to 64. Most workers; default 4. More than there are partitions have nothing to do.; spec.flush.interval: flush.interval, 1s if left out, must be less than flush.staleAfter, 8s if left out',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: [spec.workers.max: Invalid value: 65: spec.workers.max in body should be less than or equal to 64, spec.flush.interval: Invalid value: flush.interval, 1s if left out, must be less than flush.staleAfter, 8s if left out]',
  },
  {
    what: 'a broken rule hidden by a wrong type',
    patch: {
      suspend: 'yes',
      flush: {
        interval: '5s',
        staleAfter: '2s',
      },
    },
    message:
      'spec.suspend: must be true or false, without quotes. Stop taking increments, commit those in flight, and stop once none is left; see the condition Draining.',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: [spec.suspend: Invalid value: "string": spec.suspend in body must be of type boolean: "string", <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
  },
];
