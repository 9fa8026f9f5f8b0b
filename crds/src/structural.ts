/**
 * Refuses, before anything is generated, what an API server would refuse or what would hurt later:
 * keywords outside the structural subset, fields without a description (`kubectl explain` shows it),
 * and strings, lists and maps without a bound (the CEL cost budget rejects the definition).
 *
 * A pre-check: it knows the rules our schemas can break. The last word is a real API server's; each
 * rule here is compared with it in crds/test/not-structural.ts.
 */
import type { StructuralSchema } from './crd-yaml.ts';
import { defaultProblems, ruleProblems } from './structural-rules.ts';

const keywords: ReadonlySet<string> = new Set([
  'type',
  'description',
  'format',
  'default',
  'x-kubernetes-int-or-string',
  'x-kubernetes-validations',
]);

const ofStrings = ['enum', 'pattern', 'minLength', 'maxLength'];
const ofNumbers = ['minimum', 'maximum'];

/** A server takes a keyword beside the wrong type and never looks at it. */
const keywordsOfType: Readonly<Record<string, readonly string[]>> = {
  string: ofStrings,
  integer: ofNumbers,
  number: ofNumbers,
  boolean: [],
  object: ['required', 'properties', 'additionalProperties', 'maxProperties'],
  array: ['items', 'minItems', 'maxItems', 'x-kubernetes-list-type', 'x-kubernetes-list-map-keys'],
};

/** Formats that a server knows; of another it only warns, and checks nothing. */
const formats: ReadonlySet<string> = new Set(['int32', 'int64', 'float', 'double', 'date-time']);

/** CEL keeps these words for itself: a rule would have to call such a field by another name. */
const celWords: ReadonlySet<string> = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(
    ' ',
  ),
);

interface Place {
  readonly at: string;
  readonly schema: StructuralSchema;
  /** Below a list whose entries have no identity, so that there is no old value to compare with. */
  readonly hasNoOldSelf: boolean;
}

/** Throws with every problem, each with its path. */
export function assertStructural(schema: StructuralSchema, at: string): void {
  const problems = structuralProblems({ at, schema, hasNoOldSelf: false });
  if (problems.length === 0) return;
  throw new Error(`the schema is not structural:\n${problems.join('\n')}`);
}

function structuralProblems(place: Place): string[] {
  const checks = [keywordsOf, typeOf, describedOf, boundsOf, patternOf, listOf, fieldsOf, rulesOf];
  const own = checks.flatMap((check) => check(place)).map((problem) => `${place.at}: ${problem}`);
  return [...own, ...below(place).flatMap(structuralProblems)];
}

function below({ at, schema, hasNoOldSelf }: Place): Place[] {
  const fields = Object.entries(schema.properties ?? {}).map(([key, field]) => ({
    at: `${at}.${key}`,
    schema: field,
    hasNoOldSelf,
  }));
  const isKeyed = schema['x-kubernetes-list-type'] === 'map';
  const { items, additionalProperties } = schema;
  if (items !== undefined) {
    fields.push({ at: `${at}[]`, schema: items, hasNoOldSelf: hasNoOldSelf || !isKeyed });
  }
  if (additionalProperties !== undefined) {
    fields.push({ at: `${at}{}`, schema: additionalProperties, hasNoOldSelf });
  }
  return fields;
}

function keywordsOf({ schema }: Place): string[] {
  const isEither = schema['x-kubernetes-int-or-string'] === true;
  const ofType = isEither ? ofStrings : (keywordsOfType[schema.type ?? ''] ?? []);
  const problems = Object.keys(schema)
    .filter((keyword) => !keywords.has(keyword) && !ofType.includes(keyword))
    .map((keyword) => `${keyword} is no keyword of such a schema; use a builder of schema.ts`);
  const { format } = schema;
  if (format === undefined || formats.has(format)) return problems;
  return [...problems, `no server checks the format ${format}`];
}

function typeOf({ schema }: Place): string[] {
  const isEither = schema['x-kubernetes-int-or-string'] === true;
  if (isEither) return schema.type === undefined ? [] : ['int-or-string takes no type beside it'];
  const types = ['object', 'array', 'string', 'integer', 'number', 'boolean'];
  return types.includes(schema.type ?? '') ? [] : ['needs a type'];
}

function describedOf({ schema }: Place): string[] {
  const { description = '' } = schema;
  if (description === '') return ['needs a description'];
  return /^[A-Z0-9].*[.]$/s.test(description) ? [] : ['the description must be a sentence'];
}

function boundsOf({ schema }: Place): string[] {
  const isText = schema.type === 'string' || schema['x-kubernetes-int-or-string'] === true;
  const isBounded = schema.maxLength !== undefined || schema.enum !== undefined;
  const problems: string[] = [];
  if (isText && !isBounded) problems.push('needs maxLength');
  if (schema.type === 'array' && schema.maxItems === undefined) problems.push('needs maxItems');
  if (schema.additionalProperties !== undefined && schema.maxProperties === undefined) {
    problems.push('needs maxProperties');
  }
  return [...problems, ...emptyRanges(schema)];
}

/** A server takes a schema that nothing fits. */
function emptyRanges(schema: StructuralSchema): string[] {
  const ranges = [
    ['minLength', 'maxLength'],
    ['minimum', 'maximum'],
    ['minItems', 'maxItems'],
  ] as const;
  const empty = ranges.filter(([least, most]) => (schema[least] ?? 0) > (schema[most] ?? Infinity));
  const { enum: known } = schema;
  return [
    ...empty.map(([least, most]) => `${least} is greater than ${most}`),
    ...(known?.length === 0 ? ['the enum is empty'] : []),
    ...(new Set(known).size === (known?.length ?? 0) ? [] : ['the enum repeats a value']),
  ];
}

/** RE2, which servers use, has no look-around and no back-references. */
function patternOf({ schema }: Place): string[] {
  const { pattern } = schema;
  if (pattern === undefined) return [];
  if (/\(\?[=!<]|\\[1-9]/.test(pattern)) return ['the pattern uses what RE2 does not have'];
  if (!isExpression(pattern)) return ['the pattern is no regular expression'];
  const isAnchored = pattern.startsWith('^') && pattern.endsWith('$');
  return isAnchored ? [] : ['the pattern must be anchored by ^ and $'];
}

/** RE2 repeats no more than a thousand times. */
function isExpression(pattern: string): boolean {
  try {
    void new RegExp(pattern, 'u');
  } catch {
    return false;
  }
  return ![...pattern.matchAll(/[{,](?<count>[0-9]+)/g)].some(
    ({ groups }) => Number(groups?.['count']) > 1000,
  );
}

function listOf({ schema }: Place): string[] {
  if (schema.type !== 'array') return [];
  const { items } = schema;
  const listType = schema['x-kubernetes-list-type'];
  if (items === undefined) return ['needs items'];
  if (listType === undefined) return ['needs x-kubernetes-list-type'];
  const holdsObjects = items.type === 'object';
  if (listType === 'set' && holdsObjects) return ['a set holds no objects; use a map list'];
  if (listType !== 'map') return holdsObjects ? ['a list of objects must be a map list'] : [];
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  if (keys.length === 0) return ['needs x-kubernetes-list-map-keys'];
  return keys.flatMap((key, index) => {
    const type = items.properties?.[key]?.type ?? 'object';
    const problems: string[] = [];
    if (keys.indexOf(key) !== index) problems.push(`its key ${key} is given twice`);
    if (items.required?.includes(key) !== true) {
      problems.push(`its key ${key} must be required in the items`);
    }
    if (['object', 'array'].includes(type)) problems.push(`its key ${key} must be one value`);
    return problems;
  });
}

function fieldsOf({ schema }: Place): string[] {
  const { properties, additionalProperties, required = [] } = schema;
  if (schema.type !== 'object') return [];
  if (properties !== undefined && additionalProperties !== undefined) {
    return ['additionalProperties is not allowed beside properties'];
  }
  if (properties === undefined && additionalProperties === undefined) {
    return ['an object needs properties or additionalProperties'];
  }
  const names = Object.keys(properties ?? {});
  return [
    ...required.filter((key) => !names.includes(key)).map((key) => `requires an unknown ${key}`),
    ...names.filter((key) => celWords.has(key)).map((key) => `${key} is a reserved word of CEL`),
    // An autoscaler writes it: GitOps tools would report the default as drift for ever.
    ...(properties?.['replicas']?.default === undefined ? [] : ['replicas must have no default']),
  ];
}

function rulesOf({ schema, hasNoOldSelf }: Place): string[] {
  return [...ruleProblems(schema, hasNoOldSelf), ...defaultProblems(schema)];
}
