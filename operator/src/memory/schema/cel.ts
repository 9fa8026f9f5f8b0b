/**
 * The CEL rules of a schema, evaluated as an API server would.
 *
 * Every rule is compiled when its resource is installed: one that uses a function this evaluator
 * does not have can be judged by a real server only, so the install fails rather than let the rule
 * pass unseen. A rule that names `oldSelf` is skipped unless there is an old value at its place. A
 * rule that cannot be evaluated refuses the object, as on a server; a message that cannot be made
 * gives way to the plain one.
 */
import { Environment } from '@marcbachmann/cel-js';
import type { CelRule, StructuralSchema } from '@millrace/crds/crd-yaml';
import { quantityBytes } from '@millrace/crds/schema';
import { Fault } from '@millrace/kit/fault';
import { isJsonObject } from '../field-paths.ts';
import type { Problem } from '../problem.ts';
import { Quantity } from './quantity.ts';
import { fieldAt } from './value-checks.ts';

type Program = (variables: { readonly self: unknown; readonly oldSelf?: unknown }) => unknown;

interface CompiledRule {
  readonly verdict: Program;
  readonly message: Program;
}

export type Programs = ReadonlyMap<CelRule, CompiledRule>;

/** The part of Kubernetes' own CEL library that our rules use. */
const environment = new Environment()
  .registerVariable('self', 'dyn')
  .registerVariable('oldSelf', 'dyn')
  .registerType('Quantity', Quantity)
  .registerFunction('isQuantity(string): bool', (text: string) => quantityBytes(text) !== undefined)
  .registerFunction('quantity(string): Quantity', (text: string) => new Quantity(text))
  .registerFunction('Quantity.compareTo(Quantity): int', (left: Quantity, right: Quantity) =>
    BigInt(Math.sign(left.bytes - right.bytes)),
  );

/** Every rule in the schema, ready to run. */
export function compileRules(schema: StructuralSchema): Programs {
  const rules = rulesIn(schema);
  return new Map(
    rules.map((rule) => {
      const { messageExpression } = rule;
      const message =
        messageExpression === undefined ? () => undefined : compile(messageExpression);
      return [rule, { verdict: compile(rule.rule), message }];
    }),
  );
}

function compile(expression: string): Program {
  const failure = (why: string, cause?: unknown) =>
    new Fault(`CEL rule "${expression}" can be judged by a real API server only: ${why}`, {
      cause,
    });
  try {
    const parsed = environment.parse(expression);
    const verdict = parsed.check();
    if (!verdict.valid) throw failure('it does not compile here', verdict.error);
    return (variables) => parsed({ ...variables });
  } catch (error) {
    throw error instanceof Fault ? error : failure('it does not parse here', error);
  }
}

function rulesIn(schema: StructuralSchema): CelRule[] {
  const below = [
    ...Object.values(schema.properties ?? {}),
    ...(schema.items === undefined ? [] : [schema.items]),
    ...(schema.additionalProperties === undefined ? [] : [schema.additionalProperties]),
  ];
  return [...(schema['x-kubernetes-validations'] ?? []), ...below.flatMap(rulesIn)];
}

interface Judged {
  readonly schema: StructuralSchema;
  readonly at: string;
  readonly value: unknown;
  readonly old: unknown;
}

/** Problems that the rules find in a value that fits its schema. */
export function ruleProblems(programs: Programs, judged: Judged): Problem[] {
  const { schema, at, value, old } = judged;
  if (value === undefined) return [];
  const own = (schema['x-kubernetes-validations'] ?? []).flatMap((rule) => {
    const isTransition = /\boldSelf\b/.test(rule.rule);
    if (isTransition && old === undefined) return [];
    const self = celValue(schema, value);
    const variables = isTransition ? { self, oldSelf: celValue(schema, old) } : { self };
    return broken(programs.get(rule), { rule, at, variables });
  });
  return [...own, ...problemsBelow(programs, judged)];
}

function problemsBelow(programs: Programs, { schema, at, value, old }: Judged): Problem[] {
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items === undefined) return [];
    const keys = schema['x-kubernetes-list-map-keys'] ?? [];
    return value.flatMap((item: unknown, index) =>
      ruleProblems(programs, {
        schema: items,
        at: `${at}[${index}]`,
        value: item,
        old: correlated(old, item, keys),
      }),
    );
  }
  if (!isJsonObject(value)) return [];
  return Object.entries(value).flatMap(([key, field]) => {
    const property = schema.properties?.[key] ?? schema.additionalProperties;
    if (property === undefined) return [];
    const before = isJsonObject(old) ? old[key] : undefined;
    return ruleProblems(programs, {
      schema: property,
      at: fieldAt(at, key),
      value: field,
      old: before,
    });
  });
}

/** Entries of a map list have an old self by their keys; those of other lists have none. */
function correlated(old: unknown, item: unknown, keys: readonly string[]): unknown {
  if (!Array.isArray(old) || keys.length === 0 || !isJsonObject(item)) return undefined;
  return old.find(
    (other: unknown) => isJsonObject(other) && keys.every((key) => other[key] === item[key]),
  );
}

interface Asked {
  readonly rule: CelRule;
  readonly at: string;
  readonly variables: Parameters<Program>[0];
}

function broken(compiled: CompiledRule | undefined, { rule, at, variables }: Asked): Problem[] {
  // What cannot be evaluated, such as for a missing field, refuses the object on a server, too.
  if (evaluated(compiled?.verdict, variables) === true) return [];
  const { message, fieldPath = '' } = rule;
  const made = evaluated(compiled?.message, variables);
  const place = at === '' ? fieldPath.slice(1) : `${at}${fieldPath}`;
  return [{ at: place, message: typeof made === 'string' && made !== '' ? made : message }];
}

function evaluated(program: Program | undefined, variables: Asked['variables']): unknown {
  try {
    return program?.(variables);
  } catch {
    return undefined;
  }
}

/** CEL integers are 64 bits wide and no floats: which a JSON number is, the schema says. */
function celValue(schema: StructuralSchema, value: unknown): unknown {
  const isInteger = schema.type === 'integer' || schema['x-kubernetes-int-or-string'] === true;
  if (typeof value === 'number' && isInteger) return BigInt(value);
  if (Array.isArray(value)) {
    const list = value.map((item) => celValue(schema.items ?? {}, item));
    // Sets are equal in any order, on a server too.
    return schema['x-kubernetes-list-type'] === 'set' ? list.toSorted(byText) : list;
  }
  if (!isJsonObject(value)) return value;
  const fields = Object.entries(value).map(([key, field]) => {
    const property = schema.properties?.[key] ?? schema.additionalProperties ?? {};
    return [key, celValue(property, field)] as const;
  });
  return Object.fromEntries(fields);
}

function byText(left: unknown, right: unknown): number {
  return String(left) < String(right) ? -1 : 1;
}
