/** The one validated configuration of the metrics API; where values come from is said in process/settings.ts. */
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
} from '../process/settings.ts';

const schema = Type.Object(
  {
    ...processSettings,
    namespaces: Type.Array(Type.String(labelName), {
      maxItems: 100,
      description: 'Namespaces whose resources have values; empty means all.',
    }),
    service: Type.String({ description: 'Service that leads to the replicas.' }),
    namespace: Type.Optional(
      Type.String({
        ...labelName,
        description: 'Where Service and Secret are; by default the pod’s.',
      }),
    ),
    secret: Type.Optional(
      Type.String({
        ...objectName,
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

export function readConfig(given: Given, env: NodeJS.ProcessEnv): Config {
  const config = readSettings(schema, { given, env, defaults });
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
