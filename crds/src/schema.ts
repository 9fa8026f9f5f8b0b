/**
 * TypeBox builders that emit only what a Kubernetes structural schema may hold.
 *
 * The plain forms are refused by the API server or mean something else there: a union of literals
 * becomes `anyOf` of `const`, a record becomes `patternProperties`, an ISO duration is not Go's.
 * `assertStructural` (structural.ts) is the judge; these builders are the way to pass it.
 */
import { Type, type TObject, type TSchema, type TUnsafe } from 'typebox';

export interface Described {
  readonly description: string;
}

/** A closed set of strings: `{type: string, enum}`. */
export function Enum<const T extends string>(
  values: readonly T[],
  options: Described & { readonly default?: T },
): TUnsafe<T> {
  return Type.Unsafe<T>({ type: 'string', enum: [...values], ...options });
}

export interface DictOptions extends Described {
  readonly maxProperties: number;
}

/** A map with string keys: `{type: object, additionalProperties}`. */
export function Dict<T extends TSchema>(
  value: T,
  options: DictOptions,
): TUnsafe<Record<string, unknown>> {
  return Type.Unsafe<Record<string, unknown>>({
    type: 'object',
    additionalProperties: value,
    ...options,
  });
}

/** A whole number or a string, as for ports and percentages in Kubernetes. */
export function IntOrString(
  options: Described & { readonly maxLength?: number },
): TUnsafe<number | string> {
  return Type.Unsafe<number | string>({ 'x-kubernetes-int-or-string': true, ...options });
}

/** A Go duration such as `90s`, `5m` or `1h30m`: Kubernetes' own notation, not ISO 8601. */
export function GoDuration(options: Described & { readonly default?: string }): TUnsafe<string> {
  return Type.Unsafe<string>({
    type: 'string',
    maxLength: 32,
    pattern: '^([0-9]+(\\.[0-9]+)?(ms|s|m|h))+$',
    ...options,
  });
}

/** A resource quantity: whole bytes or a number with a suffix, such as `16Mi`. */
export function Quantity(
  options: Described & { readonly default?: number | string },
): TUnsafe<number | string> {
  return Type.Unsafe<number | string>({
    'x-kubernetes-int-or-string': true,
    pattern: '^[0-9]+(\\.[0-9]+)?(Ki|Mi|Gi|Ti|k|M|G|T)?$',
    maxLength: 32,
    ...options,
  });
}

/**
 * Adds a CEL rule to a schema, in place of a webhook; the message names the remedy. Keys are added
 * to the schema object itself, since spreading it would drop TypeBox's hidden optional marker.
 */
export function rule<T extends TSchema>(schema: T, cel: string, message: string): T {
  const existing = 'x-kubernetes-validations' in schema ? schema['x-kubernetes-validations'] : [];
  const rules = Array.isArray(existing) ? existing : [];
  Object.defineProperty(schema, 'x-kubernetes-validations', {
    value: [...rules, { rule: cel, message }],
    enumerable: true,
    configurable: true,
  });
  return schema;
}

/** An object with bounded, described fields; unknown fields are refused by our own checks. */
export function object<T extends Record<string, TSchema>>(
  properties: T,
  options: Described & { readonly default?: object },
): TObject<T> {
  return Type.Object(properties, { additionalProperties: false, ...options });
}

const binary: Readonly<Record<string, number>> = {
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};
const decimal: Readonly<Record<string, number>> = { k: 1e3, M: 1e6, G: 1e9, T: 1e12 };

/** The bytes a Quantity stands for, rounded up; undefined when it is not one. */
export function quantityBytes(quantity: number | string): number | undefined {
  if (typeof quantity === 'number')
    return Number.isSafeInteger(quantity) && quantity >= 0 ? quantity : undefined;
  const match = /^(?<count>[0-9]+(?:\.[0-9]+)?)(?<suffix>Ki|Mi|Gi|Ti|k|M|G|T)?$/.exec(quantity);
  if (match?.groups === undefined) return undefined;
  const suffix = match.groups['suffix'];
  const factor = suffix === undefined ? 1 : (binary[suffix] ?? decimal[suffix] ?? 1);
  return Math.ceil(Number(match.groups['count']) * factor);
}

const durationUnitMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

/** The milliseconds a Go duration stands for; undefined when it is not one. */
export function durationMs(duration: string): number | undefined {
  if (!/^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$/.test(duration)) return undefined;
  let total = 0;
  for (const part of duration.matchAll(/(?<count>[0-9]+(?:\.[0-9]+)?)(?<unit>ms|s|m|h)/g)) {
    total += Number(part.groups?.['count']) * (durationUnitMs[part.groups?.['unit'] ?? ''] ?? 0);
  }
  return Math.round(total);
}
