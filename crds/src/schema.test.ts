import { Type } from 'typebox';
import { describe, expect, test } from 'vitest';
import { durationMs, object, quantityBytes, rule } from './schema.ts';

describe('quantityBytes', () => {
  test.each([
    [0, 0],
    [4096, 4096],
    ['512', 512],
    ['1Ki', 1024],
    ['16Mi', 16_777_216],
    ['1.5Gi', 1_610_612_736],
    ['1k', 1000],
    ['1.1M', 1_100_000],
    ['0.0001Ki', 1],
    ['2Ti', 2_199_023_255_552],
  ])('reads %s as %s bytes', (quantity, bytes) => {
    expect(quantityBytes(quantity)).toBe(bytes);
  });

  test.each([
    '',
    '-1',
    '1 Ki',
    '1KB',
    '1e3',
    '.5Ki',
    'Ki',
    '9999999Ti',
    '9'.repeat(40),
    -1,
    1.5,
    Number.NaN,
  ])('reads no bytes in %s', (quantity) => {
    expect(quantityBytes(quantity)).toBeUndefined();
  });
});

describe('durationMs', () => {
  test.each([
    ['90s', 90_000],
    ['5m', 300_000],
    ['1h30m', 5_400_000],
    ['250ms', 250],
    ['1.5s', 1500],
    ['1m1ms', 60_001],
    ['0s', 0],
  ])('reads %s as %s milliseconds', (duration, ms) => {
    expect(durationMs(duration)).toBe(ms);
  });

  test.each(['', '5', 's', '5 m', '-5m', 'PT5M', '5d', '1h 30m'])(
    'reads no duration in %j',
    (duration) => {
      expect(durationMs(duration)).toBeUndefined();
    },
  );
});

test('a rule is added to those that are there and leaves an optional field optional', () => {
  const field = Type.Optional(Type.Integer({ description: 'A count.' }));
  rule(rule(field, 'self > 0', 'must be positive'), 'self < 9', 'must be small');

  const schema = object({ field }, { description: 'Holds it.' });

  expect(schema.required ?? []).not.toContain('field');
  expect(field).toHaveProperty('x-kubernetes-validations', [
    { rule: 'self > 0', message: 'must be positive' },
    { rule: 'self < 9', message: 'must be small' },
  ]);
});
