/**
 * A value against a structural schema under strict field validation: every problem, with its path
 * and what to write instead. The description of a field is its remedy. Values are never repeated.
 */
import { isDeepStrictEqual } from 'node:util';
import type { StructuralSchema } from '@millrace/crds/crd-yaml';
import { isJsonObject, type JsonObject } from '../field-paths.ts';
import type { Problem } from '../problem.ts';
import { nearest } from './nearest.ts';

/** One place in an object: the schema that holds there and how people call it. */
interface Place {
  readonly schema: StructuralSchema;
  readonly at: string;
}

export function schemaProblems(place: Place, value: unknown): Problem[] {
  const { schema } = place;
  if (schema['x-kubernetes-int-or-string'] === true) return intOrStringProblems(place, value);
  switch (schema.type) {
    case 'object':
      return objectProblems(place, value);
    case 'array':
      return listProblems(place, value);
    case 'string':
      return typeof value === 'string' ? stringProblems(place, value) : [wrongType(place, value)];
    case 'integer':
    case 'number':
      return numberProblems(place, value);
    case 'boolean':
      return typeof value === 'boolean' ? [] : [wrongType(place, value)];
    default:
      return [];
  }
}

/** How a path continues: `spec.columns[2].type`. */
export function fieldAt(at: string, key: string): string {
  return at === '' ? key : `${at}.${key}`;
}

const expected: Readonly<Record<string, string>> = {
  object: 'must be a map of fields',
  array: 'must be a list',
  string: 'must be a string: quote it',
  integer: 'must be a whole number',
  number: 'must be a number',
  boolean: 'must be true or false, without quotes',
};

function wrongType({ schema, at }: Place, value: unknown): Problem {
  if (schema.enum !== undefined) {
    // YAML 1.1, which kubectl reads, takes a bare Off, On, Yes or No for true or false.
    const hint = typeof value === 'boolean' ? ', in quotes: YAML reads some words as booleans' : '';
    return blocking(at, `must be one of ${listed(schema.enum)}${hint}`);
  }
  return blocking(at, `${expected[schema.type ?? ''] ?? 'has a wrong type'}${remedy(schema)}`);
}

/** A value of another shape than the rules of the schema were written for; a server calls it so, too. */
function blocking(at: string, message: string): Problem {
  return { at, message, blocksRules: true };
}

function remedy(schema: StructuralSchema): string {
  return schema.description === undefined ? '' : `. ${schema.description}`;
}

function intOrStringProblems(place: Place, value: unknown): Problem[] {
  if (typeof value === 'string') return stringProblems(place, value);
  if (Number.isSafeInteger(value)) return [];
  return [blocking(place.at, `must be a whole number or a string${remedy(place.schema)}`)];
}

function stringProblems({ schema, at }: Place, value: string): Problem[] {
  const { minLength = 0, maxLength = Infinity, pattern } = schema;
  if (schema.enum !== undefined && !schema.enum.includes(value)) {
    return [blocking(at, `must be one of ${listed(schema.enum)}${meant(value, schema.enum)}`)];
  }
  // Characters, as Go counts runes; a UTF-16 length would refuse some emoji too early.
  const length = Array.from(value).length;
  if (length < minLength) {
    const message =
      length === 0 ? 'must not be empty' : `must have at least ${minLength} characters`;
    return [{ at, message: `${message}${remedy(schema)}` }];
  }
  if (length > maxLength) {
    const message = `must have at most ${counted(maxLength, 'character')}${remedy(schema)}`;
    return [blocking(at, message)];
  }
  if (pattern === undefined || new RegExp(pattern, 'u').test(value)) return [];
  return [{ at, message: `must match ${pattern}${remedy(schema)}` }];
}

function numberProblems(place: Place, value: unknown): Problem[] {
  const { schema, at } = place;
  if (typeof value !== 'number') return [wrongType(place, value)];
  if (schema.type === 'integer' && !Number.isSafeInteger(value)) return [wrongType(place, value)];
  const { minimum = -Infinity, maximum = Infinity } = schema;
  if (value >= minimum && value <= maximum) return [];
  return [{ at, message: `must be ${range(minimum, maximum)}${remedy(schema)}` }];
}

function counted(count: number, noun: string): string {
  return count === 1 ? `1 ${noun}` : `${count} ${noun}s`;
}

function range(minimum: number, maximum: number): string {
  if (maximum === Infinity) return `at least ${minimum}`;
  return minimum === -Infinity ? `at most ${maximum}` : `from ${minimum} to ${maximum}`;
}

function objectProblems(place: Place, value: unknown): Problem[] {
  const { schema, at } = place;
  if (!isJsonObject(value)) return [wrongType(place, value)];
  if (schema.additionalProperties !== undefined) return dictProblems(place, value);
  // An object without properties is one whose inside somebody else checks, such as the metadata.
  if (schema.properties === undefined) return [];
  const properties = new Map(Object.entries(schema.properties));
  const missing = (schema.required ?? [])
    .filter((key) => value[key] === undefined)
    .map((key) => blocking(fieldAt(at, key), `is required${remedy(properties.get(key) ?? {})}`));
  const fields = Object.entries(value).flatMap(([key, field]) => {
    const property = properties.get(key);
    if (field === undefined) return [];
    if (property === undefined) return [unknownField(at, key, [...properties.keys()])];
    return schemaProblems({ schema: property, at: fieldAt(at, key) }, field);
  });
  return [...missing, ...fields];
}

function unknownField(at: string, key: string, known: readonly string[]): Problem {
  const meantField = nearest(key, known);
  const hint =
    meantField === undefined
      ? `; known here: ${known.join(', ')}`
      : `; did you mean ${meantField}?`;
  return { at: '', message: `unknown field "${fieldAt(at, key)}"${hint}` };
}

function dictProblems({ schema, at }: Place, value: JsonObject): Problem[] {
  const { additionalProperties, maxProperties = Infinity } = schema;
  const entries = Object.entries(value);
  const problems = entries.flatMap(([key, field]) =>
    additionalProperties === undefined
      ? []
      : schemaProblems({ schema: additionalProperties, at: `${at}[${key}]` }, field),
  );
  if (entries.length <= maxProperties) return problems;
  return [blocking(at, `must have at most ${maxProperties} entries`), ...problems];
}

function listProblems(place: Place, value: unknown): Problem[] {
  const { schema, at } = place;
  if (!Array.isArray(value)) return [wrongType(place, value)];
  const { minItems = 0, maxItems = Infinity, items } = schema;
  const problems: Problem[] = [];
  const message = `must have ${range(minItems, maxItems)} entries${remedy(schema)}`;
  // A list that is far too long is refused for that alone: its entries would fill the message.
  if (value.length > maxItems) return [blocking(at, message)];
  if (value.length < minItems) problems.push({ at, message });
  if (items === undefined) return problems;
  const entries = value.flatMap((item: unknown, index) =>
    schemaProblems({ schema: items, at: `${at}[${index}]` }, item),
  );
  return [...problems, ...entries, ...repeated(place, value)];
}

/** Sets repeat no value, maps no key. */
function repeated({ schema, at }: Place, list: readonly unknown[]): Problem[] {
  const listType = schema['x-kubernetes-list-type'];
  if (listType !== 'map' && listType !== 'set') return [];
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const identity = (item: unknown): unknown =>
    listType === 'map' && isJsonObject(item) ? keys.map((key) => item[key]) : item;
  return list.flatMap((item, index) => {
    const first = list.findIndex((other) => isDeepStrictEqual(identity(other), identity(item)));
    if (first === index) return [];
    const what = listType === 'map' ? `has the same ${keys.join(', ')} as` : 'repeats';
    return [{ at: `${at}[${index}]`, message: `${what} ${at}[${first}]: remove one of them` }];
  });
}

function listed(values: readonly string[]): string {
  return values.map((value) => (/^[\w-]+$/.test(value) ? value : JSON.stringify(value))).join(', ');
}

function meant(value: string, known: readonly string[]): string {
  const word = value === '' ? undefined : nearest(value, known);
  return word === undefined ? '' : `; did you mean ${listed([word])}?`;
}
