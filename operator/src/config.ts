/**
 * The one validated configuration of the operator process.
 *
 * Defaults, then the file of `--config`, then `MILLRACE_*` variables, then flags; each key has one
 * place in the schema below and nothing else reads the environment. What is unknown, missing or wrong
 * is a Permanent `BadConfiguration` that names it, and ends the process with 64: starting again
 * would change nothing.
 */
import { loadConfig } from '@millrace/kit/config';
import { Permanent } from '@millrace/kit/permanent';
import { Type, type Static } from 'typebox';

const closed = { additionalProperties: false } as const;
const name = { pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$', maxLength: 63 } as const;
const objectName = { pattern: '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$', maxLength: 253 } as const;
const host = Type.String({ minLength: 1 });
const milliseconds = (minimum: number, description: string) =>
  Type.Integer({ minimum, maximum: 3_600_000, description });

/** The chart takes its values from here too, so that both say the same. */
export const configSchema = Type.Object(
  {
    kubeconfig: Type.Optional(Type.String({ minLength: 1 })),
    context: Type.Optional(Type.String({ minLength: 1 })),
    runtimeImage: Type.String({ description: 'Image of every runtime pod.' }),
    namespaces: Type.Array(Type.String(name), {
      maxItems: 100,
      description: 'Namespaces to work in; empty means all.',
    }),
    logLevel: Type.String({ pattern: '^(trace|debug|info|warn|error|silent)$' }),
    statusIntervalMs: milliseconds(100, 'Least time between status writes that only move figures.'),
    graceMs: milliseconds(1_000, 'How long a drain may take.'),
    polls: Type.Object(
      {
        perSecond: Type.Integer({ minimum: 1, maximum: 1_000 }),
        inFlight: Type.Integer({ minimum: 1, maximum: 1_000 }),
      },
      closed,
    ),
    leaderElection: Type.Object(
      {
        enabled: Type.Boolean(),
        namespace: Type.Optional(Type.String(name)),
        name: Type.String(name),
        leaseDurationMs: milliseconds(1_000, 'A successor waits this long for a leader that died.'),
        renewDeadlineMs: milliseconds(500, 'A leader that could not renew for this long gives up.'),
        retryPeriodMs: milliseconds(100, 'Time between two renewals, or two looks at the Lease.'),
      },
      closed,
    ),
    keda: Type.Object(
      {
        metricsUrl: Type.String({
          pattern: '^(https?://[^/]+)?$',
          maxLength: 512,
          description:
            'Where KEDA asks how many workers are needed: the metrics API, without a path. Empty: KEDA scales nothing.',
        }),
        authentication: Type.String({
          ...objectName,
          description: 'ClusterTriggerAuthentication with the bearer token, and the CA of the URL.',
        }),
      },
      { ...closed, description: 'Where KEDA finds how many workers are needed.' },
    ),
    admin: Type.Object({ host, port: Type.Integer({ minimum: 0, maximum: 65_535 }) }, closed),
  },
  closed,
);

export type Config = Static<typeof configSchema>;

/** The timings of Kubernetes' own controllers, which cluster operators expect. */
export const defaults = {
  runtimeImage: '',
  namespaces: [],
  logLevel: 'info',
  statusIntervalMs: 10_000,
  // Under the thirty seconds after which Kubernetes kills.
  graceMs: 25_000,
  polls: { perSecond: 50, inFlight: 16 },
  leaderElection: {
    enabled: true,
    name: 'millrace-operator',
    leaseDurationMs: 15_000,
    renewDeadlineMs: 10_000,
    retryPeriodMs: 2_000,
  },
  keda: { metricsUrl: '', authentication: 'millrace-metrics-api' },
  // Loopback: whoever wants the figures of a laptop's operator is on that laptop; pods say 0.0.0.0.
  admin: { host: '127.0.0.1', port: 9_090 },
} as const;

export interface Given {
  readonly file: string | undefined;
  /** The shape of the configuration, with undefined for what no flag said. */
  readonly flags: object;
}

export function readConfig(given: Given, env: NodeJS.ProcessEnv): Config {
  const { LOG_LEVEL: logLevel } = env;
  const config = loadConfig(configSchema, {
    ...(given.file === undefined ? {} : { file: given.file }),
    env: { ...env, ...(logLevel === undefined ? {} : { MILLRACE_LOG_LEVEL: logLevel }) },
    reserved: [],
    defaults,
    flags: given.flags,
  });
  refuseContradictions(config);
  return config;
}

function refuseContradictions({ runtimeImage, leaderElection }: Config): void {
  if (runtimeImage === '') {
    throw new Permanent(
      'BadConfiguration',
      'Which image do the pods run? Give --runtime-image, MILLRACE_RUNTIME_IMAGE or runtimeImage in the file.',
    );
  }
  const { retryPeriodMs, renewDeadlineMs, leaseDurationMs } = leaderElection;
  // Otherwise a successor could act while the leader still believes in its Lease.
  if (retryPeriodMs < renewDeadlineMs && renewDeadlineMs < leaseDurationMs) return;
  throw new Permanent(
    'BadConfiguration',
    'leaderElection needs retryPeriodMs < renewDeadlineMs < leaseDurationMs.',
  );
}
