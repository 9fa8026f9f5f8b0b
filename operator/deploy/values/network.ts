/** Who may talk to whom, and what comes in from outside. */
import { Type } from 'typebox';
import { flag, group, kubernetesList, text, textList, textMap } from './value.ts';

const portNumber = { type: 'integer', minimum: 1, maximum: 65_535 } as const;

export const networkPolicyValues = group(
  'NetworkPolicies: nothing is let in or out of the pods of this chart but what they need.',
  {
    enabled: flag({ default: true, description: 'Whether there are any.' }),
    dns: kubernetesList({
      default: [
        { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } } },
        { ipBlock: { cidr: '169.254.20.10/32' } },
      ],
      description: 'Peers that answer DNS: pods of kube-system, and the cache on the node.',
    }),
    apiServer: group('The API server is no pod, so its address cannot be selected by labels.', {
      cidrs: textList({
        default: [],
        description: 'Its addresses, such as 10.0.0.1/32; empty: any address, on the ports below.',
      }),
      ports: Type.Unsafe<number[]>({
        type: 'array',
        items: portNumber,
        minItems: 1,
        default: [443, 6443],
        description: 'Its ports, that of the Service and that behind it.',
      }),
    }),
    metricsFrom: kubernetesList({
      default: [
        { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } },
      ],
      description: 'Peers that may read metrics.',
    }),
  },
);

const route = {
  type: 'object',
  additionalProperties: false,
  required: ['name', 'host', 'service'],
  properties: {
    name: { type: 'string', pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$', maxLength: 40 },
    host: { type: 'string', minLength: 1, maxLength: 253 },
    service: { type: 'string', minLength: 1, maxLength: 63 },
    port: portNumber,
    namespace: { type: 'string', minLength: 1, maxLength: 63 },
    path: { type: 'string', pattern: '^/' },
    tlsSecret: { type: 'string', minLength: 1, maxLength: 253 },
  },
} as const;

export const ingressValues = group(
  'Ways in from outside. The operator makes a Service for each resource that serves; this makes an Ingress for those that are named.',
  {
    className: text({ default: '', description: 'Which controller; empty: the default one.' }),
    annotations: textMap({ default: {}, description: 'Of every Ingress.' }),
    routes: Type.Unsafe<object[]>({
      type: 'array',
      items: route,
      default: [],
      description:
        'Such as {name: users, host: users.example.com, service: users-gateway}; also port (80), namespace (that of the release), path (/), tlsSecret.',
    }),
  },
);
