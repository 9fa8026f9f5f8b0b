import { describe, expect, it } from 'vitest';
import { samplesOf, total } from '../exposition.ts';
import { parseOptions } from './options.ts';
import { line } from '../result.ts';

describe('the text of the metrics', () => {
  const samples = samplesOf(
    [
      '# HELP calls_total Calls.',
      'calls_total{verb="get",code="200"} 3',
      'calls_total{verb="apply",code="429"} 2',
      'leader 1',
      'seconds_bucket{le="+Inf"} 4',
    ].join('\n'),
  );

  it('is summed over the labels that are accepted', () => {
    expect(total(samples, 'calls_total')).toBe(5);
    expect(total(samples, 'calls_total', ({ code }) => code === '429')).toBe(2);
    expect(total(samples, 'leader')).toBe(1);
    expect(total(samples, 'absent')).toBe(0);
  });
});

describe('the command line', () => {
  it('names what it knows when asked for something else', () => {
    expect(parseOptions(['--only', 'cold,idle'])).toMatchObject({
      ok: true,
      options: { only: ['cold', 'idle'], imports: 5_000, runs: 3 },
    });
    expect(parseOptions(['--only', 'warm'])).toEqual({ ok: false, exitCode: 2 });
    expect(parseOptions(['--imports', '0'])).toEqual({ ok: false, exitCode: 2 });
  });
});

describe('a line of the report', () => {
  it('says met, missed, or that a figure has no bar', () => {
    const result = { what: 'idle', measured: '0.5/s', bar: '< 1/s' };
    expect(line({ ...result, met: true })).toBe('| idle | 0.5/s | < 1/s | met |');
    expect(line({ ...result, met: false })).toMatch(/missed \|$/);
    expect(line({ ...result, met: undefined })).toMatch(/shown \|$/);
  });
});
