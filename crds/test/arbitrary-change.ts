/**
 * Random changes of a right spec, most of them slightly wrong, made from its schema.
 *
 * A spec that is random all over is refused for its first field, and nothing else of it is ever
 * looked at. So a change replaces a few values of a right spec: by a value that fits, one just past
 * a bound, one of another type, null, or nothing. Names come from a small vocabulary, so that rules
 * about names that meet are met.
 */
import fc from 'fast-check';
import type { StructuralSchema } from '../src/crd-yaml.ts';

export interface Replacement {
  /** Of the spec: fields, and positions in lists. */
  readonly path: readonly (string | number)[];
  /** Undefined removes what is there. */
  readonly value: unknown;
}

/** One to three replacements anywhere in the spec. */
export function arbitraryChange(
  schema: StructuralSchema,
  vocabulary: readonly string[],
): fc.Arbitrary<Replacement[]> {
  const words = fc.constantFrom(...vocabulary);
  // Made once for each place: making an arbitrary text costs a hundred times what drawing one does.
  const ofPlaces = placesIn(schema, []).map(({ path, schema: there }) => {
    const value = path.at(-1) === unknownField ? fc.boolean() : valueOf(there, words);
    return value.map((drawn): Replacement => ({ path, value: drawn }));
  });
  const replacement = fc.oneof(...ofPlaces);
  const some = (most: number) => fc.array(replacement, { minLength: 1, maxLength: most });
  return fc.oneof({ weight: 3, arbitrary: some(1) }, { weight: 1, arbitrary: some(3) });
}

/** A copy of the spec with the values replaced; a path that leads nowhere changes nothing. */
export function changed(spec: unknown, replacements: readonly Replacement[]): unknown {
  const copy: unknown = structuredClone(spec);
  for (const { path, value } of replacements) replace(copy, path, value);
  // As it arrives: a gap in a list is a null.
  return JSON.parse(JSON.stringify(copy));
}

function replace(root: unknown, path: Replacement['path'], value: unknown): void {
  let holder = root;
  for (const key of path.slice(0, -1)) {
    if (typeof holder !== 'object' || holder === null) return;
    const inner: unknown = Reflect.get(holder, key);
    // What the spec leaves out appears with one field in it.
    if (inner === undefined && typeof key === 'string') Reflect.set(holder, key, {});
    holder = Reflect.get(holder, key);
  }
  const last = path.at(-1);
  if (typeof holder !== 'object' || holder === null || last === undefined) return;
  if (value !== undefined) Reflect.set(holder, last, value);
  else if (Array.isArray(holder)) holder.splice(Number(last), 1);
  else Reflect.deleteProperty(holder, last);
}

/** Always with a value: as null it is nothing to some ways of writing, and unknown to others. */
const unknownField = 'unheardOf';

interface PlaceOf {
  readonly path: Replacement['path'];
  readonly schema: StructuralSchema;
}

function placesIn(schema: StructuralSchema, path: Replacement['path']): PlaceOf[] {
  const fields = Object.entries(schema.properties ?? {}).map(([key, field]) => ({
    path: [...path, key],
    schema: field,
  }));
  const { items } = schema;
  const entries =
    items === undefined ? [] : [0, 1, 2].map((at) => ({ path: [...path, at], schema: items }));
  const unknown = { path: [...path, unknownField], schema: { type: 'boolean' } };
  const below = [...fields, ...entries].flatMap((place) => placesIn(place.schema, place.path));
  const isObject = schema.properties !== undefined;
  return [...fields, ...entries, ...below, ...(isObject ? [unknown] : [])];
}

type Words = fc.Arbitrary<string>;

function valueOf(schema: StructuralSchema, words: Words): fc.Arbitrary<unknown> {
  return fc.oneof(
    { weight: 8, arbitrary: fittingOf(schema, words) },
    { weight: 1, arbitrary: fc.constantFrom(undefined, null) },
    { weight: 1, arbitrary: ofAnyType },
  );
}

const ofAnyType = fc.constantFrom<unknown>(
  true,
  false,
  0,
  -1,
  1.5,
  2 ** 31,
  2 ** 53 - 1,
  1e21,
  '',
  'x',
  '1',
  'true',
  [],
  [null],
  {},
  { x: 1 },
);

function fittingOf(schema: StructuralSchema, words: Words): fc.Arbitrary<unknown> {
  if (schema['x-kubernetes-int-or-string'] === true) {
    return fc.oneof(wholeOf({ minimum: 0, maximum: 2 ** 31 }), textOf(schema, words), sizes);
  }
  switch (schema.type) {
    case 'object':
      return objectOf(schema, words);
    case 'array':
      return listOf(schema, words);
    case 'integer':
      return wholeOf(schema);
    case 'boolean':
      return fc.boolean();
    default:
      return textOf(schema, words);
  }
}

/** Bounds, their neighbours, and anything between them. */
function wholeOf({ minimum = 0, maximum = 1000 }: StructuralSchema): fc.Arbitrary<unknown> {
  const edges = [minimum - 1, minimum, maximum, maximum + 1];
  return fc.oneof(
    { weight: 1, arbitrary: fc.constantFrom(...edges) },
    { weight: 2, arbitrary: fc.integer({ min: minimum, max: maximum }) },
  );
}

const sizes = fc
  .tuple(
    fc.constantFrom('0', '1', '2', '1.5', '0.001', '64', '64.1', '256', '1024', '67108864'),
    fc.constantFrom('', 'k', 'Ki', 'M', 'Mi', 'G', 'Gi', 'Ti', 'm', 'e3'),
  )
  .map((parts) => parts.join(''));

const durations = fc
  .array(
    fc.tuple(
      fc.constantFrom('0', '1', '1.5', '59', '719', '720', '721', '2592000', '99999999999999'),
      fc.constantFrom('ms', 's', 'm', 'h', 'd', ''),
    ),
    { minLength: 1, maxLength: 3 },
  )
  .map((parts) => parts.flat().join(''));

/** Lengths are counted in characters, of which some take two places in a JavaScript string. */
const oddTexts = fc.constantFrom('', ' ', 'ä', '😀', '¦', '\t', '\n', 'a\n', '\u0000', '\\', '"');

function textOf(schema: StructuralSchema, words: Words): fc.Arbitrary<string> {
  const { enum: known, pattern, maxLength = 64 } = schema;
  if (known !== undefined) {
    const right = fc.constantFrom(...known);
    return fc.oneof({ weight: 5, arbitrary: right }, { weight: 1, arbitrary: words });
  }
  const filled = fc
    .tuple(
      fc.constantFrom('a', 'ä', '😀'),
      fc.constantFrom(maxLength - 1, maxLength, maxLength + 1),
    )
    .map(([letter, length]) => letter.repeat(Math.max(0, length)));
  const matching =
    pattern === undefined ? words : fc.stringMatching(new RegExp(pattern, 'u'), { maxLength });
  return fc.oneof(
    { weight: 5, arbitrary: words },
    { weight: 5, arbitrary: matching },
    { weight: 1, arbitrary: fc.oneof(durations, sizes, filled, oddTexts) },
  );
}

function listOf(schema: StructuralSchema, words: Words): fc.Arbitrary<unknown> {
  const { items = {}, minItems = 0, maxItems = 8 } = schema;
  const lengths = fc.constantFrom(0, 1, 1, 1, 2, 2, minItems, Math.min(maxItems + 1, 20));
  return lengths.chain((length) =>
    fc.array(fittingOf(items, words), { minLength: length, maxLength: length }),
  );
}

function objectOf(schema: StructuralSchema, words: Words): fc.Arbitrary<unknown> {
  const fields = Object.entries(schema.properties ?? {}).map(
    ([key, field]) => [key, fittingOf(field, words)] as const,
  );
  const requiredKeys = [...(schema.required ?? [])];
  return fc.record(Object.fromEntries(fields), { requiredKeys });
}
