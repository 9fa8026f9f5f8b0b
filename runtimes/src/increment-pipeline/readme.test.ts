import { readFileSync } from 'node:fs';
import { createLog } from '@millrace/kit/log';
import { createMetrics } from '@millrace/kit/metrics';
import { describe, expect, it } from 'vitest';
import { answerCodes } from './gateway/refusals.ts';
import { incrementPipeline } from './index.ts';
import { incrementPipelineTelemetry } from './telemetry.ts';

const readme = readFileSync(new URL('README.md', import.meta.url), 'utf8');

function section(title: string): string {
  return readme.split(`## ${title}\n`)[1]?.split('\n## ')[0] ?? '';
}

describe('the manual of this runtime', () => {
  it('names every role', () => {
    expect(readme).toContain(`<${Object.keys(incrementPipeline.roles).join('|')}>`);
  });

  it('lists exactly the codes that clients decide by, with their status', () => {
    const listed = [...section('HTTP').matchAll(/^\| `(\w+)` +\| (\d{3}) /gm)];

    expect(listed.map(([, code, status]) => [code, Number(status)])).toEqual(
      Object.entries(answerCodes),
    );
  });

  it('lists exactly the metrics', () => {
    const metrics = createMetrics({});
    incrementPipelineTelemetry(createLog({ level: 'silent', bindings: {}, fd: 2 }), metrics);
    const names = metrics.getMetricsAsArray().map(({ name }) => name);
    const own = names.filter((name) => name.startsWith('millrace_increment_'));
    const listed = [...section('Metrics').matchAll(/`(?:millrace_increment)?(_\w+)[`{]/g)];

    expect(listed.map(([, name]) => `millrace_increment${name}`).toSorted()).toEqual(
      own.toSorted(),
    );
    expect(readme).toContain('millrace_dependency_up');
  });
});
