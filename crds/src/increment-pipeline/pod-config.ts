/**
 * The configuration file of an IncrementPipeline's pods: the spec with every default resolved, numbers
 * in bytes and milliseconds. Nothing that only scales is in it, so that scaling restarts no pod.
 */
import { Type, type Static } from 'typebox';
import { podRateLimit } from '../http.ts';
import { Enum, object } from '../schema.ts';

const bind = object(
  {
    host: Type.String({ maxLength: 253, description: 'Address to listen on.' }),
    port: Type.Integer({ minimum: 0, maximum: 65_535, description: 'Port; 0 takes a free one.' }),
  },
  { description: 'Where to listen.' },
);
const milliseconds = (description: string) => Type.Integer({ minimum: 1, description });

export const podConfig = object(
  {
    resource: object(
      {
        uid: Type.String({ maxLength: 36, description: 'Its identity in the ledger.' }),
        namespace: Type.String({ maxLength: 63, description: 'Namespace.' }),
        name: Type.String({ maxLength: 253, description: 'Name.' }),
      },
      { description: 'Which pipeline.' },
    ),
    target: object(
      { table: Type.String({ maxLength: 63, description: 'Table.' }) },
      { description: 'Where the sums are.' },
    ),
    durability: Enum(['Memory', 'Fsync', 'Replicated'], {
      description: 'What Redis has done before an increment is answered with 200.',
    }),
    durabilityVouched: Type.Boolean({ description: 'An administrator vouches for it.' }),
    partitions: Type.Integer({ minimum: 1, maximum: 64, description: 'Streams.' }),
    flush: object(
      {
        intervalMs: milliseconds('Time between two commits of a partition.'),
        maxKeys: Type.Integer({ minimum: 1, description: 'Most keys of one commit.' }),
        staleAfterMs: milliseconds('Age at which a pipeline is stale.'),
      },
      { description: 'When increments become sums.' },
    ),
    streams: object(
      { maxBytes: Type.Integer({ minimum: 1, description: 'Budget of the streams.' }) },
      { description: 'The streams.' },
    ),
    idempotency: Type.Optional(
      object(
        {
          windowMs: milliseconds('How long a committed request is recognised.'),
          maxKeys: Type.Integer({ minimum: 1, description: 'Most keys that Redis remembers.' }),
        },
        { description: 'Requests with an Idempotency-Key; absent: refused.' },
      ),
    ),
    rateLimit: Type.Optional(podRateLimit),
    auth: object(
      { mode: Enum(['None', 'Tokens'], { description: 'Whether a bearer token is needed.' }) },
      { description: 'Who may use the gateway.' },
    ),
    deletionPolicy: Enum(['Retain', 'Purge'], { description: 'What the janitor does at the end.' }),
    bind: object({ admin: bind, http: bind }, { description: 'Listening addresses.' }),
    backendsDir: Type.String({
      maxLength: 1024,
      description: 'Folder of the mounted backends Secret, a file a key.',
    }),
    terminationLog: Type.String({
      maxLength: 1024,
      description: 'File whose content becomes the container’s termination message.',
    }),
    graceMs: Type.Integer({ minimum: 0, description: 'Longest drain.' }),
    logLevel: Enum(['debug', 'info', 'warn', 'error'], {
      description: 'Least severe level that is logged.',
    }),
  },
  { description: 'What one pod of an IncrementPipeline does.' },
);
export type IncrementPipelinePodConfig = Static<typeof podConfig>;
