import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createLog } from '@millrace/kit/log';
import { createMetrics } from '@millrace/kit/metrics';
import { failureReasons } from './failed.ts';
import { importTelemetry } from './telemetry.ts';

const readme = readFileSync(new URL('README.md', import.meta.url), 'utf8');

function section(title: string): string {
  return readme.split(`## ${title}\n`)[1]?.split('\n## ')[0] ?? '';
}

describe('the manual of this runtime', () => {
  it('lists exactly the reasons with which an import can fail', () => {
    const listed = [...section('Failures of an import').matchAll(/^\| `(\w+)` +\|/gm)];

    expect(listed.map((match) => match[1])).toEqual([...failureReasons]);
  });

  it('lists exactly the metrics of coordinator and worker', async () => {
    const metrics = createMetrics({});
    importTelemetry(createLog({ level: 'silent', bindings: {}, fd: 2 }), metrics);
    const names = metrics.getMetricsAsArray().map((metric) => metric.name);
    const own = names.filter((name) => name.startsWith('millrace_'));
    const listed = [...section('Metrics').matchAll(/`(?:millrace_csv_import)?(_\w+)[`{]/g)];

    expect(listed.map((match) => `millrace_csv_import${match[1]}`).toSorted()).toEqual(
      own.toSorted(),
    );
  });
});
