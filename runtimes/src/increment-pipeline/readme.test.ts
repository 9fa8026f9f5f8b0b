import { readFileSync } from 'node:fs';
import { createLog } from '@millrace/kit/log';
import { createMetrics } from '@millrace/kit/metrics';
import { expect, it } from 'vitest';
import { incrementPipeline } from './index.ts';
import { incrementPipelineTelemetry } from './telemetry.ts';

const readme = readFileSync(new URL('README.md', import.meta.url), 'utf8');

it('the manual names every role and every metric', () => {
  const metrics = createMetrics({});
  incrementPipelineTelemetry(createLog({ level: 'silent', bindings: {}, fd: 2 }), metrics);
  const names = metrics.getMetricsAsArray().map(({ name }) => name);

  for (const name of names.filter((name) => name.startsWith('millrace_'))) {
    expect(readme).toContain(name);
  }
  for (const role of Object.keys(incrementPipeline.roles)) expect(readme).toContain(role);
});

it('the manual says what is guaranteed', () => {
  expect(
    readme,
    'Write runtimes/src/increment-pipeline/: the roles in index.ts with a service test each, and what README.md promises.',
  ).not.toContain('To be written');
});

it('the ledger has its tables', () => {
  const sql = readFileSync(
    new URL('../../../migrations/increment-pipeline/0001_ledger.sql', import.meta.url),
    'utf8',
  );

  expect(
    sql,
    'Write migrations/increment-pipeline/0001_ledger.sql: the tables that a record’s effect commits with.',
  ).toMatch(/CREATE TABLE/);
});
