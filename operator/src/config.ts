/**
 * The one validated configuration of the operator process.
 *
 * Each key has one place in the schema below and nothing else reads the environment; where values
 * come from is said in process/settings.ts.
 */
import { Permanent } from '@millrace/kit/permanent';
import { Type, type Static } from 'typebox';
import {
  address,
  closed,
  labelName,
  objectName,
  processSettings,
  readSettings,
  type Given,
} from './process/settings.ts';

const milliseconds = (minimum: number, description: string) =>
  Type.Integer({ minimum, maximum: 3_600_000, description });

/** The chart takes its values from here too, so that both say the same. */
export const configSchema = Type.Object(
  {
    ...processSettings,
    runtimeImage: Type.String({ description: 'Image of every runtime pod.' }),
    namespaces: Type.Array(Type.String(labelName), {
      maxItems: 100,
      description: 'Namespaces to work in; empty means all.',
    }),
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
        namespace: Type.Optional(Type.String(labelName)),
        name: Type.String(labelName),
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
    admin: address(),
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

export function readConfig(given: Given, env: NodeJS.ProcessEnv): Config {
  const config = readSettings(configSchema, { given, env, defaults });
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
