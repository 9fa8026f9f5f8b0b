import type { StructuralSchema } from '@millrace/crds/crd-yaml';
import { describe, expect, test } from 'vitest';
import { withSchemaDefaults } from './defaults.ts';
import { nearest } from './nearest.ts';
import { schemaProblems } from './value-checks.ts';

const problems = (schema: StructuralSchema, value: unknown) =>
  schemaProblems({ schema, at: 'spec' }, value).map(({ at, message }) => `${at}: ${message}`);

describe('values', () => {
  test.each<[StructuralSchema, unknown, string]>([
    [{ type: 'object', properties: {} }, [], 'spec: must be a map of fields'],
    [{ type: 'object', properties: {} }, null, 'spec: must be a map of fields'],
    [{ type: 'array' }, {}, 'spec: must be a list'],
    [{ type: 'string' }, 1, 'spec: must be a string: quote it'],
    [{ type: 'integer' }, 2 ** 60, 'spec: must be a whole number'],
    [{ type: 'number' }, '1', 'spec: must be a number'],
    [{ type: 'number', maximum: 1 }, 1.5, 'spec: must be at most 1'],
    [{ type: 'number', minimum: 1 }, 0.5, 'spec: must be at least 1'],
    [{ type: 'string', minLength: 2 }, 'a', 'spec: must have at least 2 characters'],
    [
      { type: 'object', maxProperties: 1, additionalProperties: { type: 'string' } },
      { a: 'x', b: 1 },
      'spec: must have at most 1 entries|spec[b]: must be a string: quote it',
    ],
  ])('of %j: %j is refused', (schema, value, expected) => {
    expect(problems(schema, value).join('|')).toBe(expected);
  });

  test.each<[StructuralSchema, unknown]>([
    [{ type: 'number' }, 1.5],
    [{ type: 'string', maxLength: 1 }, '😀'],
    [{ 'x-kubernetes-int-or-string': true, pattern: '^a$' }, 5],
    [{ type: 'object' }, { anything: 1 }],
  ])('of %j: %j is accepted', (schema, value) => {
    expect(problems(schema, value)).toEqual([]);
  });

  test('of a list that is far too long are not all reported', () => {
    const schema: StructuralSchema = { type: 'array', maxItems: 2, items: { type: 'string' } };

    expect(
      problems(
        schema,
        Array.from({ length: 1000 }, () => 1),
      ),
    ).toEqual(['spec: must have from 0 to 2 entries']);
  });

  test('are never repeated in a message', () => {
    const schema: StructuralSchema = {
      type: 'object',
      properties: {
        a: { type: 'string', enum: ['x'] },
        b: { type: 'integer' },
        c: { type: 'string', pattern: '^x$' },
      },
    };

    const all = problems(schema, { a: 'hunter2', b: 'hunter2', c: 'hunter2' });

    expect(all).toHaveLength(3);
    expect(all.join()).not.toContain('hunter2');
  });
});

describe('defaults', () => {
  const schema: StructuralSchema = {
    type: 'object',
    properties: {
      mode: { type: 'string', default: 'Off' },
      inner: { type: 'object', properties: { size: { type: 'integer', default: 1 } } },
      made: {
        type: 'object',
        default: {},
        properties: { size: { type: 'integer', default: 2 } },
      },
      list: { type: 'array', items: { type: 'object', properties: { n: { default: 3 } } } },
    },
  };

  test('fill absent fields, inside objects that are there or made by default', () => {
    expect(withSchemaDefaults(schema, { inner: {}, list: [{}, { n: 4 }] })).toEqual({
      mode: 'Off',
      inner: { size: 1 },
      made: { size: 2 },
      list: [{ n: 3 }, { n: 4 }],
    });
  });

  test('take a field that is null for an absent one, and leave nulls in lists to the checks', () => {
    expect(withSchemaDefaults(schema, { mode: null, inner: null, list: [null] })).toEqual({
      mode: 'Off',
      made: { size: 2 },
      list: [null],
    });
  });

  test('make no object that nobody asked for, and are not shared between objects', () => {
    const first = withSchemaDefaults(schema, {}) as { made: object };
    const second = withSchemaDefaults(schema, {}) as { made: object };

    expect(first).not.toHaveProperty('inner');
    expect(first.made).not.toBe(second.made);
  });
});

describe('the nearest word', () => {
  const known = ['target', 'source', 'format', 'chunkBytes', 'serve'];

  test.each([
    ['tarjet', 'target'],
    ['Source', 'source'],
    ['fromat', 'format'],
    ['chunk_bytes', 'chunkBytes'],
    ['servers', 'serve'],
    ['volume', undefined],
    ['x', undefined],
    ['a'.repeat(10_000), undefined],
  ])('to %s is %s', (word, expected) => {
    expect(nearest(word, known)).toBe(expected);
  });
});
