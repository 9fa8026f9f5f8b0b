/** Development backends: single servers without any promise, for a first look and for tests. */
import type { TObject } from 'typebox';
import { image } from './images.ts';
import { flag, group, kubernetesObject, text, textList, textMap } from './value.ts';

const quantity = '^[0-9]+(\\.[0-9]+)?([KMGTPE]i?|[mk])?$';

interface Server {
  readonly what: string;
  readonly image: TObject;
  readonly storage: string;
  readonly resources: object;
}

function server({ what, image: from, storage, resources }: Server) {
  return {
    enabled: flag({ default: true, description: `Whether ${what} is among them.` }),
    image: from,
    storage: text({
      default: storage,
      pattern: quantity,
      description: 'Size of its volume, which stays when the chart is uninstalled.',
    }),
    resources: kubernetesObject({ default: resources, description: 'Of its one pod.' }),
  };
}

export const backendsValues = group(
  'Single-node backends for development, from official images; never for production, for which there are values in guidance/.',
  {
    enabled: flag({
      default: false,
      description: 'Whether the chart brings them, and the Secret millrace-backends.',
    }),
    secretNamespaces: textList(
      {
        default: [],
        description:
          'Namespaces that get the Secret millrace-backends too, beside that of the release; each must exist.',
      },
      { pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$', maxLength: 63 },
    ),
    extraSecretData: textMap({
      default: {},
      description: 'More keys of the Secret, such as CA_BUNDLE.',
    }),
    passwordSeed: text({
      default: '',
      description:
        'All passwords are derived from it. For tools that render without a cluster and would make new ones each time; empty: random, and kept over upgrades.',
    }),
    storageClassName: text({ default: '', description: 'Of all volumes; empty: the default.' }),
    postgres: group('Postgres.', {
      ...server({
        what: 'Postgres',
        image: image('From the official image.', 'library/postgres', '18.4'),
        storage: '8Gi',
        resources: { requests: { cpu: '250m', memory: '512Mi' }, limits: { memory: '1Gi' } },
      }),
    }),
    valkey: group('Valkey, which speaks the protocol of Redis.', {
      ...server({
        what: 'Valkey',
        image: image('From the official image.', 'valkey/valkey', '9.0.4'),
        storage: '4Gi',
        resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '1Gi' } },
      }),
      maxMemory: text({
        default: '512mb',
        pattern: '^([0-9]+([kmg]b?)?)?$',
        description:
          'Above this it refuses writes. Half of the limit: rewriting its file takes a copy of what changes meanwhile.',
      }),
    }),
    rabbitmq: group('RabbitMQ.', {
      ...server({
        what: 'RabbitMQ',
        image: image('From the official image.', 'library/rabbitmq', '4.2.1'),
        storage: '4Gi',
        resources: { requests: { cpu: '250m', memory: '512Mi' }, limits: { memory: '1Gi' } },
      }),
    }),
    kafka: group('Kafka, one node that is broker and controller.', {
      ...server({
        what: 'Kafka',
        image: image('From the official image.', 'apache/kafka', '4.3.1'),
        storage: '8Gi',
        resources: { requests: { cpu: '250m', memory: '768Mi' }, limits: { memory: '1Gi' } },
      }),
      heapOptions: text({ default: '-Xms256m -Xmx512m', description: 'Of its Java machine.' }),
    }),
    s3: group('An S3 server over a folder: versitygw.', {
      ...server({
        what: 'the S3 server',
        image: image('From the image of its makers.', 'versity/versitygw', 'v1.7.0'),
        storage: '8Gi',
        resources: { requests: { cpu: '50m', memory: '64Mi' }, limits: { memory: '512Mi' } },
      }),
    }),
  },
);
