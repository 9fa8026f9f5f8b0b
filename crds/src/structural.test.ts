import { describe, expect, test } from 'vitest';
import { structural } from './crd-yaml.ts';
import { kinds } from './index.ts';
import { assertStructural } from './structural.ts';

const described = { description: 'A field.' };
const text = { ...described, type: 'string', maxLength: 9 };
const inside = (field: object) =>
  structural({ ...described, type: 'object', properties: { field } });
const listOf = (items: object, list: object) =>
  inside({ ...described, type: 'array', maxItems: 9, items, ...list });
const atomic = { 'x-kubernetes-list-type': 'atomic' };
const entry = { ...described, type: 'object', required: ['name'], properties: { name: text } };
const oldSelfRule = [{ rule: 'self == oldSelf', message: 'is immutable' }];

describe('assertStructural', () => {
  test.each(
    kinds.flatMap((kind) => [
      [kind.kind, 'spec', kind] as const,
      [kind.kind, 'status', kind] as const,
    ]),
  )('accepts what %s has as its %s', (_name, part, kind) => {
    expect(() => {
      assertStructural(structural(kind[part]), part);
    }).not.toThrow();
  });

  test.each([
    ['const', inside({ ...described, const: 1 }), 'const is no keyword'],
    ['patternProperties', inside({ ...text, patternProperties: {} }), 'patternProperties is no'],
    ['$ref', inside({ ...text, $ref: '#' }), '$ref is no keyword'],
    ['anyOf', inside({ ...text, anyOf: [] }), 'anyOf is no keyword'],
    ['nullable', inside({ ...text, nullable: true }), 'nullable is no keyword'],
    ['no type', inside(described), 'needs a type'],
    ['a list of types', inside({ ...described, type: ['string', 'null'] }), 'needs a type'],
    ['no description', inside({ type: 'boolean' }), 'needs a description'],
    ['half a sentence', inside({ type: 'boolean', description: 'a flag' }), 'must be a sentence'],
    ['an unbounded string', inside({ ...described, type: 'string' }), 'needs maxLength'],
    [
      'an unbounded int-or-string',
      inside({ ...described, 'x-kubernetes-int-or-string': true }),
      'needs maxLength',
    ],
    [
      'an unbounded list',
      inside({ ...described, type: 'array', items: text, ...atomic }),
      'needs maxItems',
    ],
    [
      'an unbounded map',
      inside({ ...described, type: 'object', additionalProperties: text }),
      'needs maxProperties',
    ],
    ['an open object', inside({ ...described, type: 'object' }), 'needs properties or'],
    ['look-ahead', inside({ ...text, pattern: '^(?=a)$' }), 'RE2 does not have'],
    ['a loose pattern', inside({ ...text, pattern: 'a' }), 'must be anchored'],
    ['a list of no kind', listOf(text, {}), 'needs x-kubernetes-list-type'],
    ['a set of objects', listOf(entry, { 'x-kubernetes-list-type': 'set' }), 'holds no objects'],
    ['an atomic list of objects', listOf(entry, atomic), 'must be a map list'],
    [
      'a map list without keys',
      listOf(entry, { 'x-kubernetes-list-type': 'map' }),
      'needs x-kubernetes-list-map-keys',
    ],
    [
      'an optional key',
      listOf(
        { ...entry, required: [] },
        { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] },
      ),
      'must be required in the items',
    ],
    [
      'a default on replicas',
      structural({
        ...described,
        type: 'object',
        properties: { replicas: { ...described, type: 'integer', default: 1 } },
      }),
      'replicas must have no default',
    ],
    [
      'a word of CEL as a name',
      structural({ ...described, type: 'object', properties: { import: text } }),
      'import is a reserved word',
    ],
    [
      'a transition rule where entries have no identity',
      listOf({ ...text, 'x-kubernetes-validations': oldSelfRule }, atomic),
      'can have no oldSelf',
    ],
  ])('refuses %s', (_what, schema, problem) => {
    expect(() => {
      assertStructural(schema, 'spec');
    }).toThrow(problem);
  });

  test('names every problem with its path', () => {
    const schema = structural({
      ...described,
      type: 'object',
      properties: { a: { type: 'boolean' }, b: { ...described, type: 'string' } },
    });

    expect(() => {
      assertStructural(schema, 'spec');
    }).toThrow('spec.a: needs a description\nspec.b: needs maxLength');
  });
});
