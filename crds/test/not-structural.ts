/**
 * Schemas that `assertStructural` refuses, each with its problem and with what a real API server
 * makes of the definition: it refuses it too, or takes it and the schema is worse than it looks.
 */
import { structural, type StructuralSchema } from '../src/crd-yaml.ts';

export interface NotStructural {
  readonly what: string;
  /** The schema of `spec`. */
  readonly schema: StructuralSchema;
  readonly problem: string;
  readonly server: 'refuses' | 'takes';
}

const described = { description: 'A field.' };
const text = { ...described, type: 'string', maxLength: 9 };
const specOf = (properties: object) => structural({ ...described, type: 'object', properties });
const inside = (field: object) => specOf({ field });
const listOf = (items: object, list: object) =>
  inside({ ...described, type: 'array', maxItems: 9, items, ...list });
const atomic = { 'x-kubernetes-list-type': 'atomic' };
const byName = { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] };
const entry = { ...described, type: 'object', required: ['name'], properties: { name: text } };
const withRule = (rule: object) => ({
  ...text,
  'x-kubernetes-validations': [{ rule: "self == 'a'", message: 'must be a', ...rule }],
});
const record = (rule: object) => ({ ...withRule(rule), ...entry, maxLength: undefined });
const oldSelfRule = { rule: 'self == oldSelf', message: 'is immutable' };

export const notStructural: readonly NotStructural[] = [
  {
    what: 'const',
    schema: inside({ ...text, const: 1 }),
    problem: 'const is no keyword',
    server: 'refuses',
  },
  {
    what: 'patternProperties',
    schema: inside({ ...text, patternProperties: {} }),
    problem: 'patternProperties is no keyword',
    server: 'takes',
  },
  {
    what: '$ref',
    schema: inside({ ...text, $ref: '#' }),
    problem: '$ref is no keyword',
    server: 'refuses',
  },
  {
    what: 'anyOf',
    schema: inside({ ...text, anyOf: [{ type: 'string' }] }),
    problem: 'anyOf is no keyword',
    server: 'refuses',
  },
  {
    what: 'nullable',
    schema: inside({ ...text, nullable: true }),
    problem: 'nullable is no keyword',
    server: 'takes',
  },
  {
    what: 'a bound of another type',
    schema: inside({ ...text, minimum: 3 }),
    problem: 'minimum is no keyword',
    server: 'takes',
  },
  {
    what: 'a format that nobody checks',
    schema: inside({ ...text, format: 'hostnmae' }),
    problem: 'no server checks the format hostnmae',
    server: 'takes',
  },
  { what: 'no type', schema: inside(described), problem: 'needs a type', server: 'refuses' },
  {
    what: 'a list of types',
    schema: inside({ ...described, type: ['string', 'null'] }),
    problem: 'needs a type',
    server: 'refuses',
  },
  {
    what: 'no description',
    schema: inside({ type: 'boolean' }),
    problem: 'needs a description',
    server: 'takes',
  },
  {
    what: 'half a sentence',
    schema: inside({ type: 'boolean', description: 'a flag' }),
    problem: 'must be a sentence',
    server: 'takes',
  },
  {
    what: 'an unbounded string',
    schema: inside({ ...described, type: 'string' }),
    problem: 'needs maxLength',
    server: 'takes',
  },
  {
    what: 'an unbounded int-or-string',
    schema: inside({ ...described, 'x-kubernetes-int-or-string': true }),
    problem: 'needs maxLength',
    server: 'takes',
  },
  {
    what: 'an unbounded list',
    schema: inside({ ...described, type: 'array', items: text, ...atomic }),
    problem: 'needs maxItems',
    server: 'takes',
  },
  {
    what: 'an unbounded map',
    schema: inside({ ...described, type: 'object', additionalProperties: text }),
    problem: 'needs maxProperties',
    server: 'takes',
  },
  {
    what: 'an open object',
    schema: inside({ ...described, type: 'object' }),
    problem: 'needs properties or',
    server: 'takes',
  },
  {
    what: 'bounds that nothing is within',
    schema: inside({ ...text, minLength: 10 }),
    problem: 'minLength is greater than maxLength',
    server: 'takes',
  },
  {
    what: 'an empty enum',
    schema: inside({ ...described, type: 'string', enum: [] }),
    problem: 'the enum is empty',
    server: 'takes',
  },
  {
    what: 'a value twice in an enum',
    schema: inside({ ...described, type: 'string', enum: ['a', 'a'] }),
    problem: 'the enum repeats a value',
    server: 'takes',
  },
  {
    what: 'look-ahead',
    schema: inside({ ...text, pattern: '^(?=a)$' }),
    problem: 'RE2 does not have',
    server: 'refuses',
  },
  {
    what: 'a broken pattern',
    schema: inside({ ...text, pattern: '^(a$' }),
    problem: 'is no regular expression',
    server: 'refuses',
  },
  {
    what: 'more repetitions than RE2 makes',
    schema: inside({ ...text, pattern: '^a{1,2000}$' }),
    problem: 'is no regular expression',
    server: 'refuses',
  },
  {
    what: 'a loose pattern',
    schema: inside({ ...text, pattern: 'a' }),
    problem: 'must be anchored',
    server: 'takes',
  },
  {
    what: 'a list of no kind',
    schema: listOf(text, {}),
    problem: 'needs x-kubernetes-list-type',
    server: 'takes',
  },
  {
    what: 'a kind of list on a string',
    schema: inside({ ...text, ...atomic }),
    problem: 'x-kubernetes-list-type is no keyword',
    server: 'refuses',
  },
  {
    what: 'a set of objects',
    schema: listOf(entry, { 'x-kubernetes-list-type': 'set' }),
    problem: 'holds no objects',
    server: 'refuses',
  },
  {
    what: 'an atomic list of objects',
    schema: listOf(entry, atomic),
    problem: 'must be a map list',
    server: 'takes',
  },
  {
    what: 'a map list without keys',
    schema: listOf(entry, { 'x-kubernetes-list-type': 'map' }),
    problem: 'needs x-kubernetes-list-map-keys',
    server: 'refuses',
  },
  {
    what: 'an optional key',
    schema: listOf({ ...entry, required: [] }, byName),
    problem: 'must be required in the items',
    server: 'refuses',
  },
  {
    what: 'a key twice',
    schema: listOf(entry, { ...byName, 'x-kubernetes-list-map-keys': ['name', 'name'] }),
    problem: 'its key name is given twice',
    server: 'refuses',
  },
  {
    what: 'a key that is an object',
    schema: listOf({ ...entry, properties: { name: entry } }, byName),
    problem: 'its key name must be one value',
    server: 'refuses',
  },
  {
    what: 'a required field that does not exist',
    schema: structural({ ...described, type: 'object', required: ['b'], properties: { a: text } }),
    problem: 'requires an unknown b',
    server: 'takes',
  },
  {
    what: 'open fields beside known ones',
    schema: inside({ ...entry, maxProperties: 9, additionalProperties: text }),
    problem: 'additionalProperties is not allowed beside properties',
    server: 'refuses',
  },
  {
    what: 'a default on replicas',
    schema: specOf({ replicas: { ...described, type: 'integer', default: 1 } }),
    problem: 'replicas must have no default',
    server: 'takes',
  },
  {
    what: 'a word of CEL as a name',
    schema: specOf({ import: text }),
    problem: 'import is a reserved word',
    server: 'takes',
  },
  {
    what: 'a default that does not fit',
    schema: inside({ ...text, default: '0123456789' }),
    problem: 'the default does not fit the schema',
    server: 'refuses',
  },
  {
    what: 'a default with an unknown field',
    schema: inside({ ...entry, default: { name: 'a', nmae: 'b' } }),
    problem: 'the default does not fit the schema',
    server: 'refuses',
  },
  {
    what: 'a transition rule where entries have no identity',
    schema: listOf(withRule(oldSelfRule), atomic),
    problem: 'can have no oldSelf',
    server: 'refuses',
  },
  {
    what: 'a rule without a message',
    schema: inside(withRule({ message: '' })),
    problem: 'needs a one-line message',
    server: 'takes',
  },
  {
    what: 'a message of two lines',
    schema: inside(withRule({ message: 'must\nbe a' })),
    problem: 'needs a one-line message',
    server: 'refuses',
  },
  {
    what: 'a rule that blames a field which does not exist',
    schema: inside(record({ rule: "self.name == 'a'", fieldPath: '.nmae' })),
    problem: 'blames .nmae, which is no field',
    server: 'refuses',
  },
  {
    what: 'a rule that blames an entry of a list',
    schema: listOf(entry, {
      ...byName,
      'x-kubernetes-validations': [
        { rule: 'self.size() > 0', message: 'none', fieldPath: '[0].name' },
      ],
    }),
    problem: 'blames [0].name, which is no field',
    server: 'refuses',
  },
];
