/**
 * What a user asks of an IncrementPipeline.
 *
 * What decides where increments are found again (table, partitions) is immutable. Rules that need
 * more than one field are CEL, so that the API server refuses a wrong value with the remedy.
 */
import { Type, type Static } from 'typebox';
import { auth, rateLimit } from '../http.ts';
import { scalingSpec } from '../scaling.ts';
import {
  Enum,
  GoDuration,
  Quantity,
  goDuration,
  object,
  quantityBytes,
  rule,
  type RuleText,
} from '../schema.ts';

/** What Postgres takes without quoting: nobody has to remember the case of a table later. */
const identifier = '^[a-z_][a-z0-9_]*$';
const objectName = '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$';

function immutable(field: string, place: { readonly fieldPath?: string } = {}): RuleText {
  const message = `${field} is immutable; create a new IncrementPipeline instead`;
  return { message, reason: 'FieldValueForbidden', ...place };
}

/** A duration from `min` to `max`. */
function lasting(
  field: string,
  bounds: { readonly min: string; readonly max: string; readonly example: string },
  description: string,
) {
  const { min, max, example } = bounds;
  return rule(
    GoDuration({ description: `${description} From ${min} to ${max}.` }),
    `self.matches('${goDuration}') && duration(self) >= duration('${min}') && duration(self) <= duration('${max}')`,
    `${field} must be a duration from ${min} to ${max}, such as ${example}`,
  );
}

const target = object(
  {
    table: Type.String({
      pattern: identifier,
      minLength: 1,
      maxLength: 63,
      description:
        'Table of the sums: key uuid, value bigint, updated_at timestamptz; created if absent. Lower-case letters, digits and underscores, not starting with a digit.',
    }),
  },
  { description: 'Where the sums are.' },
);

/**
 * Durations that a rule about two of them compares. What else there is, words and times that a server
 * cannot hold, is refused at the field itself, and is not blamed again for a comparison that failed.
 */
const shortDuration = '^(0*[0-9]{1,5}([.][0-9]+)?(ms|s|m|h))+$';

const flush = rule(
  object(
    {
      interval: Type.Optional(
        lasting(
          'flush.interval',
          { min: '100ms', max: '5s', example: '1s' },
          'How often a worker commits what has come in; default 1s.',
        ),
      ),
      maxKeys: Type.Optional(
        Type.Integer({
          minimum: 1,
          maximum: 100_000,
          description:
            'Most keys of one commit; more make the next one come at once. Default 5000.',
        }),
      ),
      staleAfter: Type.Optional(
        lasting(
          'flush.staleAfter',
          { min: '1s', max: '10m', example: '8s' },
          'Age of the oldest increment that is not in the table at which the condition Stale becomes true; default 8s. Gateways refuse with 503 what could not be committed within a quarter of it.',
        ),
      ),
    },
    { description: 'When increments become sums.' },
  ),
  `(has(self.interval) && !self.interval.matches('${shortDuration}')) || (has(self.staleAfter) && !self.staleAfter.matches('${shortDuration}')) || duration(has(self.interval) ? self.interval : '1s') < duration(has(self.staleAfter) ? self.staleAfter : '8s')`,
  {
    message: 'flush.interval, 1s if left out, must be less than flush.staleAfter, 8s if left out',
    fieldPath: '.interval',
  },
);

const largestStreams = '64Gi';

const streams = object(
  {
    maxBytes: Type.Optional(
      rule(
        Quantity({
          description:
            'Memory of Redis that increments may hold before they are in the table, from 1Mi to 64Gi; beyond it they are refused with 503. Default 256Mi.',
        }),
        `type(self) == int ? self >= 1048576 && self <= ${quantityBytes(largestStreams)} : isQuantity(self) && quantity(self).compareTo(quantity('1Mi')) >= 0 && quantity(self).compareTo(quantity('${largestStreams}')) <= 0`,
        `streams.maxBytes must be a size from 1Mi to ${largestStreams}, such as 256Mi`,
      ),
    ),
  },
  { description: 'The streams in Redis between gateways and workers.' },
);

const idempotency = object(
  {
    window: lasting(
      'idempotency.window',
      { min: '1m', max: '168h', example: '24h' },
      'How long after its commit a request with an Idempotency-Key is recognised at least.',
    ),
    maxKeys: Type.Optional(
      Type.Integer({
        minimum: 1_000,
        maximum: 100_000_000,
        description:
          'Most keys that Redis remembers at a time; beyond it requests with a key are refused with 503. Default 1000000.',
      }),
    ),
  },
  { description: 'Requests that may be repeated safely; left out, Idempotency-Key is refused.' },
);

const gateway = object(
  {
    replicas: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 64, description: 'Gateways; default 2.' }),
    ),
    rateLimit: Type.Optional(rateLimit),
    auth: Type.Optional(auth),
  },
  { description: 'The HTTP gateway.' },
);

const workers = rule(
  object(
    {
      min: Type.Optional(
        Type.Integer({ minimum: 1, maximum: 64, description: 'Fewest workers; default 1.' }),
      ),
      max: Type.Optional(
        Type.Integer({
          minimum: 1,
          maximum: 64,
          description:
            'Most workers; default 4. More than there are partitions have nothing to do.',
        }),
      ),
    },
    { description: 'Bounds for the number of workers.' },
  ),
  '(has(self.min) ? self.min : 1) <= (has(self.max) ? self.max : 4)',
  {
    message: 'workers.min must not be greater than workers.max, which is 4 if left out',
    fieldPath: '.min',
  },
);

export const spec = object(
  {
    target: rule(target, 'self == oldSelf', immutable('target')),
    durability: Type.Optional(
      Enum(['Memory', 'Fsync', 'Replicated'], {
        description:
          'What Redis has done before an increment is answered with 200. Memory: taken it; a crash of Redis loses what is not committed. Fsync (default): written it to its disk. Replicated: the same, and min-replicas-to-write replicas are connected; a failover may lose what they have not received.',
      }),
    ),
    durabilityVouched: Type.Optional(
      Type.Boolean({
        description:
          'An administrator vouches that Redis is configured for the durability; only for servers that do not answer CONFIG.',
      }),
    ),
    partitions: Type.Optional(
      rule(
        Type.Integer({
          minimum: 1,
          maximum: 64,
          description: 'Streams, each read by one worker at a time; default 8.',
        }),
        'self == oldSelf',
        immutable('partitions'),
      ),
    ),
    flush: Type.Optional(flush),
    streams: Type.Optional(streams),
    idempotency: Type.Optional(idempotency),
    gateway: Type.Optional(gateway),
    workers: Type.Optional(workers),
    scaling: Type.Optional(scalingSpec),
    deletionPolicy: Type.Optional(
      Enum(['Retain', 'Purge'], {
        description:
          'What becomes of the sums when the resource is deleted. Retain (default): increments in flight are committed first, and the table stays. Purge: increments in flight are dropped, and so is the table, if Millrace made it.',
      }),
    ),
    suspend: Type.Optional(
      Type.Boolean({
        description:
          'Stop taking increments, commit those in flight, and stop once none is left; see the condition Draining.',
      }),
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
        { description: 'Where Postgres and Redis are.' },
      ),
    ),
  },
  { description: 'One service that takes increments and keeps their sums by key.' },
);
// A rule at the field itself is not asked when the field appears or goes.
rule(
  spec,
  'has(self.partitions) == has(oldSelf.partitions)',
  immutable('partitions', { fieldPath: '.partitions' }),
);
rule(
  spec,
  '(has(self.workers) && has(self.workers.min) ? self.workers.min : 1) <= (has(self.partitions) ? self.partitions : 8)',
  {
    message:
      'workers.min must not be greater than partitions, which are 8 if left out: more workers have nothing to do',
    fieldPath: '.workers.min',
  },
);
export type IncrementPipelineSpec = Static<typeof spec>;
