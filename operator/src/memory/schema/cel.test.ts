import type { CelRule, StructuralSchema } from '@millrace/crds/crd-yaml';
import { Fault } from '@millrace/kit/fault';
import { describe, expect, test } from 'vitest';
import { compileRules, ruleProblems } from './cel.ts';

const immutable: CelRule = { rule: 'self == oldSelf', message: 'is immutable' };
const rules = (...list: CelRule[]) => ({ 'x-kubernetes-validations': list });
const positive: CelRule = { rule: 'self.count > 0', message: 'count must be positive' };

/** The messages for a value, with an old one for transition rules. */
function problems(schema: StructuralSchema, value: unknown, old?: unknown): string[] {
  const programs = compileRules(schema);
  return ruleProblems(programs, { schema, at: 'spec', value, old }).map(
    ({ at, message }) => `${at}: ${message}`,
  );
}

describe('CEL rules', () => {
  test('see integers as integers and numbers as doubles', () => {
    const schema: StructuralSchema = {
      type: 'object',
      properties: { count: { type: 'integer' }, share: { type: 'number' } },
      ...rules(
        { rule: 'self.count / 2 == 3', message: 'halves' },
        { rule: 'self.share / 2.0 > 0.4', message: 'shares' },
      ),
    };

    expect(problems(schema, { count: 7, share: 1 })).toEqual([]);
    expect(problems(schema, { count: 8, share: 0.5 })).toEqual(['spec: halves', 'spec: shares']);
  });

  test('compare what was with what is, and are skipped where nothing was', () => {
    const schema: StructuralSchema = {
      type: 'object',
      properties: { a: { type: 'string', ...rules(immutable) } },
    };

    expect(problems(schema, { a: '1' })).toEqual([]);
    expect(problems(schema, { a: '1' }, {})).toEqual([]);
    expect(problems(schema, { a: '1' }, { a: '1' })).toEqual([]);
    expect(problems(schema, { a: '2' }, { a: '1' })).toEqual(['spec.a: is immutable']);
    expect(problems(schema, {}, { a: '1' })).toEqual([]);
  });

  test('find the old entry of a map list by its key, wherever it stood', () => {
    const schema: StructuralSchema = {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      items: {
        type: 'object',
        properties: {
          name: { type: 'string' },
          size: { type: 'integer', ...rules(immutable) },
        },
      },
    };
    const [a, b] = [
      { name: 'a', size: 1 },
      { name: 'b', size: 2 },
    ];

    expect(problems(schema, [b, a], [a, b])).toEqual([]);
    expect(problems(schema, [{ ...b, size: 3 }, a], [a, b])).toEqual([
      'spec[0].size: is immutable',
    ]);
    expect(problems(schema, [{ name: 'c', size: 9 }], [a, b])).toEqual([]);
  });

  test('take sets for equal in any order, other lists only in the same', () => {
    const list = (listType: 'set' | 'atomic'): StructuralSchema => ({
      type: 'array',
      items: { type: 'string' },
      'x-kubernetes-list-type': listType,
      ...rules(immutable),
    });

    expect(problems(list('set'), ['b', 'a'], ['a', 'b'])).toEqual([]);
    expect(problems(list('atomic'), ['b', 'a'], ['a', 'b'])).toEqual(['spec: is immutable']);
  });

  test('refuse what they cannot be evaluated on, as a server does', () => {
    const schema: StructuralSchema = {
      type: 'object',
      properties: { count: { type: 'integer' } },
      ...rules(positive),
    };

    expect(problems(schema, {})).toEqual(['spec: count must be positive']);
  });

  test('blame the field that they name and make their message, or fall back to the plain one', () => {
    const schema: StructuralSchema = {
      type: 'object',
      properties: { keys: { type: 'array', items: { type: 'string' } }, of: { type: 'string' } },
      ...rules({
        rule: 'self.of in self.keys',
        message: 'of must be one of keys',
        fieldPath: '.of',
        messageExpression: "self.of + ' is not ' + self.keys[0]",
      }),
    };

    expect(problems(schema, { of: 'a', keys: ['a'] })).toEqual([]);
    expect(problems(schema, { of: 'b', keys: ['a'] })).toEqual(['spec.of: b is not a']);
    expect(problems(schema, { of: 'b', keys: [] })).toEqual(['spec.of: of must be one of keys']);
  });

  test('hold for every entry of a map', () => {
    const schema: StructuralSchema = {
      type: 'object',
      additionalProperties: {
        type: 'object',
        properties: { count: { type: 'integer' } },
        ...rules(positive),
      },
    };

    expect(problems(schema, { a: { count: 1 }, b: { count: 0 } })).toEqual([
      'spec.b: count must be positive',
    ]);
  });

  test.each([
    ["quantity(self).compareTo(quantity('1Ki')) >= 0", '1024', '1023'],
    ["isQuantity(self) && quantity(self).compareTo(quantity('1Gi')) < 0", '1023Mi', '1Gi'],
    ["duration(self) <= duration('1h')", '60m', '61m'],
  ])('know %s', (rule, right, wrong) => {
    const schema: StructuralSchema = { type: 'string', ...rules({ rule, message: 'no' }) };

    expect(problems(schema, right)).toEqual([]);
    expect(problems(schema, wrong)).toEqual(['spec: no']);
  });

  test.each(['isURL(self)', 'self.find("a") == "a"', 'self ==', 'other == 1'])(
    'fail the install when only a real server can judge them: %s',
    (rule) => {
      const schema: StructuralSchema = { type: 'string', ...rules({ rule, message: 'no' }) };

      expect(() => compileRules(schema)).toThrow(Fault);
      expect(() => compileRules(schema)).toThrow('can be judged by a real API server only');
      const saying = rules({ rule: 'true', message: 'no', messageExpression: rule });
      expect(() => compileRules({ type: 'string', ...saying })).toThrow(Fault);
    },
  );
});
