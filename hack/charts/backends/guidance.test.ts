/** What the chart says without rendering it: guidance for production, and alerts. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';

import { charts } from '../helm.ts';

const root = join(charts.millrace, '..', '..');
const read = (...path: readonly string[]): string =>
  readFileSync(join(charts.millrace, ...path), 'utf8');
const guidance = (name: string): readonly unknown[] =>
  parseAllDocuments(read('guidance', name)).map((document) => document.toJS() as unknown);

/** From the design of the Secret. */
const wellKnown = `
  POSTGRES_URL POSTGRES_OWNER_URL POSTGRES_READ_URL REDIS_URL RABBITMQ_URL TOKENS
  KAFKA_BROKERS KAFKA_TLS KAFKA_SASL_MECHANISM KAFKA_SASL_USERNAME KAFKA_SASL_PASSWORD
  S3_ENDPOINT S3_REGION S3_ACCESS_KEY_ID S3_SECRET_ACCESS_KEY SEALING_KEYS`
  .trim()
  .split(/\s+/);

it('shows the Secret with every key that pods may read', () => {
  const [secret] = guidance('backends-secret.yaml');

  expect(secret).toMatchObject({ kind: 'Secret', metadata: { name: 'millrace-backends' } });
  const { stringData } = secret as { readonly stringData: Readonly<Record<string, string>> };
  expect(Object.keys(stringData).toSorted()).toEqual(wellKnown.toSorted());
  const template = read('templates', 'backends', 'secrets.yaml');
  for (const key of wellKnown) expect(template, key).toContain(`"${key}"`);
});

it('is objects of the kinds that the operators of the backends serve', () => {
  const kinds = ['postgres-cnpg.yaml', 'rabbitmq-operator.yaml', 'kafka-strimzi.yaml'].map((name) =>
    guidance(name).map((one) => {
      const { apiVersion, kind } = one as { readonly apiVersion: string; readonly kind: string };
      return `${apiVersion} ${kind}`;
    }),
  );

  expect(kinds).toEqual([
    ['postgresql.cnpg.io/v1 Cluster', 'v1 Secret', 'v1 Secret'],
    ['rabbitmq.com/v1beta1 RabbitmqCluster'],
    [
      'kafka.strimzi.io/v1 KafkaNodePool',
      'kafka.strimzi.io/v1 Kafka',
      'kafka.strimzi.io/v1 KafkaUser',
    ],
  ]);
});

it('names the versions that the chart brings for development', () => {
  const { backends } = parse(read('values.yaml')) as {
    readonly backends: Readonly<Record<string, { readonly image: { readonly tag: string } }>>;
  };
  const [rabbitmq] = guidance('rabbitmq-operator.yaml');
  const [valkey] = guidance('valkey-values.yaml');

  expect(rabbitmq).toMatchObject({
    spec: { image: `docker.io/library/rabbitmq:${backends['rabbitmq']?.image.tag}` },
  });
  expect(valkey).toMatchObject({ image: { tag: backends['valkey']?.image.tag } });
});

interface Alerts {
  readonly groups: readonly {
    readonly rules: readonly {
      readonly alert: string;
      readonly expr: string;
      readonly labels: { readonly severity: string };
      readonly annotations: { readonly summary: string; readonly description: string };
    }[];
  }[];
}

it('alerts on metrics that there are, and says what is wrong and what to do', () => {
  const { groups } = parse(read('files', 'alerts.yaml')) as Alerts;
  const rules = groups.flatMap((group) => group.rules);
  const sources = globSync('{operator,runtimes}/**/*.ts', {
    cwd: root,
    exclude: (path) => path.includes('node_modules') || path.endsWith('.test.ts'),
  })
    .map((path) => readFileSync(join(root, path), 'utf8'))
    .join('\n');

  expect(rules.length).toBeGreaterThan(8);
  for (const { alert, expr, labels, annotations } of rules) {
    expect(['warning', 'critical'], alert).toContain(labels.severity);
    expect(annotations.summary.length, alert).toBeLessThan(140);
    expect(annotations.description.length, alert).toBeGreaterThan(40);
    const metrics = expr.match(/millrace_[a-z_]+/g) ?? [];
    expect(metrics.length, alert).toBeGreaterThan(0);
    for (const metric of metrics) expect(sources, alert).toContain(`name: '${metric}'`);
  }
});
