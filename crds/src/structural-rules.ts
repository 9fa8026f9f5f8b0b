/**
 * The parts of a schema that speak about values: CEL rules and defaults. A server compiles each rule
 * with the types of the schema; that is left to it. What can be seen without a compiler is here.
 */
import { Value } from 'typebox/value';
import type { CelRule, StructuralSchema } from './crd-yaml.ts';

export function ruleProblems(schema: StructuralSchema, hasNoOldSelf: boolean): string[] {
  return (schema['x-kubernetes-validations'] ?? []).flatMap((rule) =>
    problemsOf(rule, schema)
      .concat(
        hasNoOldSelf && /\boldSelf\b/.test(rule.rule)
          ? ['can have no oldSelf below a list that is no map list']
          : [],
      )
      .map((problem) => `"${rule.rule}" ${problem}`),
  );
}

function problemsOf(rule: CelRule, schema: StructuralSchema): string[] {
  const { message, fieldPath, messageExpression = '' } = rule;
  const problems: string[] = [];
  if (message === '' || /[\r\n]/.test(message)) problems.push('needs a one-line message');
  if (/[\r\n]/.test(rule.rule + messageExpression)) problems.push('must stand on one line');
  if (fieldPath !== undefined && !leadsToField(schema, fieldPath)) {
    problems.push(`blames ${fieldPath}, which is no field of the schema`);
  }
  return problems;
}

/** Fields only: a server takes no position in a list, since a rule is asked of the list as a whole. */
function leadsToField(schema: StructuralSchema, path: string): boolean {
  if (!/^([.][A-Za-z_][A-Za-z0-9_]*)+$/.test(path)) return false;
  const fields = path.slice(1).split('.');
  return fieldAt(schema, fields) !== undefined;
}

/** The schema of a field below; undefined when there is none. */
export function fieldAt(
  schema: StructuralSchema,
  fields: readonly string[],
): StructuralSchema | undefined {
  let at: StructuralSchema | undefined = schema;
  for (const field of fields) at = at?.properties?.[field];
  return at;
}

/** A default must be what its own schema accepts: with every field it must have, and no other. */
export function defaultProblems(schema: StructuralSchema): string[] {
  if (schema.default === undefined) return [];
  const fits = Value.Check(schema, schema.default) && hasOnlyKnown(schema, schema.default);
  return fits ? [] : ['the default does not fit the schema'];
}

function hasOnlyKnown(schema: StructuralSchema, value: unknown): boolean {
  if (typeof value !== 'object' || value === null || schema.properties === undefined) return true;
  return Object.entries(value).every(([key, field]) => {
    const property = schema.properties?.[key];
    return property !== undefined && hasOnlyKnown(property, field);
  });
}
