import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { deepFreeze } from '../../../test/observed.ts';
import { viewsSpec } from '../../../test/pipeline-world.ts';
import { validate } from './validate.ts';

function problemOf(change: object): string {
  const verdict = validate(deepFreeze({ ...viewsSpec, ...change }));
  return verdict.ok ? '' : verdict.problem.message;
}

describe('a spec', () => {
  it('is accepted as the documentation shows it, and with next to nothing said', () => {
    const file = new URL('../../../../crds/examples/increment-pipeline.yaml', import.meta.url);
    const example = parse(readFileSync(file, 'utf8')) as { readonly spec: unknown };

    expect(validate(example.spec)).toMatchObject({ ok: true });
    expect(validate({ target: { table: 'increments' } })).toMatchObject({ ok: true });
  });

  it.each([
    ['a wrong type', { partitions: 'many' }, /spec\.partitions .*Correct this field/],
    ['no target', { target: undefined }, /spec/],
    ['too slow a flush', { flush: { interval: '6s' } }, /flush\.interval .* 100ms to 5s/],
    ['too quick a flush', { flush: { interval: '99ms' } }, /flush\.interval .* 100ms to 5s/],
    ['no time until stale', { flush: { staleAfter: '0s' } }, /flush\.staleAfter .* 1s to 10m/],
    [
      'a flush that alone makes it stale',
      { flush: { interval: '2s', staleAfter: '2s' } },
      /flush\.interval, .* less than spec\.flush\.staleAfter/,
    ],
    [
      'a default flush that does',
      { flush: { staleAfter: '1s' } },
      /flush\.interval, 1s if left out/,
    ],
    ['hardly any memory', { streams: { maxBytes: '1000Ki' } }, /streams\.maxBytes .* 1Mi to 64Gi/],
    ['too much memory', { streams: { maxBytes: '65Gi' } }, /streams\.maxBytes .* 1Mi to 64Gi/],
    ['no window', { idempotency: { window: '0s' } }, /idempotency\.window .* 1m to 168h/],
    [
      'a long period',
      { gateway: { rateLimit: { requests: 1, per: '2h' } } },
      /gateway\.rateLimit\.per .* 1s to 1h/,
    ],
    [
      'bounds that cross',
      { workers: { min: 5, max: 2 } },
      /workers\.min \(5\) .*spec\.workers\.max \(2\)/,
    ],
    [
      'a min above the partitions',
      { workers: { min: 5, max: 6 } },
      /workers\.min \(5\) .*spec\.partitions \(4\), .*lower it/,
    ],
    ['a min above the default max', { workers: { min: 5 } }, /workers\.min \(5\) .*\(4\)/],
  ])('is refused with the field and the remedy, given %s', (_given, change, message) => {
    expect(problemOf(change)).toMatch(message);
  });
});
