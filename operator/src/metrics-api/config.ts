/**
 * The one validated configuration of the metrics API: defaults, then the file of `--config`, then
 * `MILLRACE_*` variables, then flags, as with the operator. What is unknown, missing or wrong is a
 * Permanent `BadConfiguration` that names it, and ends the process with 64.
 */
import { loadConfig } from '@millrace/kit/config';
import { Permanent } from '@millrace/kit/permanent';
import { Type, type Static } from 'typebox';

const closed = { additionalProperties: false } as const;
const name = { pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$', maxLength: 63 } as const;
/** Names of Secrets may have dots. */
const secretName = { pattern: '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$', maxLength: 253 } as const;
const address = (description: string) =>
  Type.Object(
    {
      host: Type.String({ minLength: 1 }),
      port: Type.Integer({ minimum: 0, maximum: 65_535 }),
    },
    { ...closed, description },
  );

const schema = Type.Object(
  {
    kubeconfig: Type.Optional(Type.String({ minLength: 1 })),
    context: Type.Optional(Type.String({ minLength: 1 })),
    namespaces: Type.Array(Type.String(name), {
      maxItems: 100,
      description: 'Namespaces whose resources have values; empty means all.',
    }),
    service: Type.String({ description: 'Service that leads to the replicas.' }),
    namespace: Type.Optional(
      Type.String({ ...name, description: 'Where Service and Secret are; by default the pod’s.' }),
    ),
    secret: Type.Optional(
      Type.String({
        ...secretName,
        description: 'Secret of the certificates; by default <service>-tls.',
      }),
    ),
    servicePort: Type.Integer({
      minimum: 1,
      maximum: 65_535,
      description: 'Port of the Service.',
    }),
    listen: address('Where HTTPS is served.'),
    admin: address('Where health and figures are served.'),
    logLevel: Type.String({ pattern: '^(trace|debug|info|warn|error|silent)$' }),
    drainDelayMs: Type.Integer({
      minimum: 0,
      maximum: 60_000,
      description: 'How long it goes on after it was told to stop, until nobody is sent here.',
    }),
    graceMs: Type.Integer({
      minimum: 1_000,
      maximum: 3_600_000,
      description: 'How long a drain may take, with that delay.',
    }),
  },
  closed,
);

export type Config = Static<typeof schema>;

export const defaults = {
  namespaces: [],
  service: '',
  servicePort: 443,
  // All addresses: it is of no use to anybody on the same host.
  listen: { host: '0.0.0.0', port: 8_443 },
  admin: { host: '0.0.0.0', port: 9_090 },
  logLevel: 'info',
  // Endpoints of a Service are told to every node within a second or two.
  drainDelayMs: 5_000,
  graceMs: 25_000,
} as const;

export interface Given {
  readonly file: string | undefined;
  /** The shape of the configuration, with undefined for what no flag said. */
  readonly flags: object;
}

export function readConfig(given: Given, env: NodeJS.ProcessEnv): Config {
  const { LOG_LEVEL: logLevel } = env;
  const config = loadConfig(schema, {
    ...(given.file === undefined ? {} : { file: given.file }),
    env: { ...env, ...(logLevel === undefined ? {} : { MILLRACE_LOG_LEVEL: logLevel }) },
    reserved: [],
    defaults,
    flags: given.flags,
  });
  const { service, drainDelayMs, graceMs } = config;
  if (!/^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/.test(service)) {
    throw new Permanent(
      'BadConfiguration',
      'Which Service leads here? Give its name with --service, MILLRACE_SERVICE or service in the file.',
    );
  }
  if (drainDelayMs >= graceMs) {
    throw new Permanent('BadConfiguration', 'drainDelayMs has to be shorter than graceMs.');
  }
  return config;
}
