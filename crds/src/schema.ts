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

/** Go durations without a sign, as a regular expression for servers and rules. */
export const goDuration = '^([0-9]+([.][0-9]+)?(ms|s|m|h))+$';

/** A Go duration such as `90s`, `5m` or `1h30m`: Kubernetes' own notation, not ISO 8601. */
export function GoDuration(options: Described & { readonly default?: string }): TUnsafe<string> {
  return Type.Unsafe<string>({
    type: 'string',
    maxLength: 32,
    pattern: goDuration,
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

/** What a broken rule says: a sentence with the remedy, and where the mistake is. */
export interface RuleText {
  readonly message: string;
  /** The field to blame, from the schema that bears the rule: `.target.key`. */
  readonly fieldPath?: string;
  /** CEL that makes the message, where it can name the wrong value; `message` is its fallback. */
  readonly messageExpression?: string;
  /** How a server introduces the message; without it as "Invalid value". */
  readonly reason?: 'FieldValueForbidden' | 'FieldValueRequired';
}

/**
 * Adds a CEL rule to a schema, in place of a webhook; the message names the remedy. Keys are added
 * to the schema object itself, since spreading it would drop TypeBox's hidden optional marker.
 */
export function rule<T extends TSchema>(schema: T, cel: string, says: string | RuleText): T {
  const existing = 'x-kubernetes-validations' in schema ? schema['x-kubernetes-validations'] : [];
  const rules = Array.isArray(existing) ? existing : [];
  const text = typeof says === 'string' ? { message: says } : says;
  Object.defineProperty(schema, 'x-kubernetes-validations', {
    value: [...rules, { rule: cel, ...text }],
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

const factors: Readonly<Record<string, bigint>> = {
  Ki: 2n ** 10n,
  Mi: 2n ** 20n,
  Gi: 2n ** 30n,
  Ti: 2n ** 40n,
  k: 10n ** 3n,
  M: 10n ** 6n,
  G: 10n ** 9n,
  T: 10n ** 12n,
};

/**
 * The bytes a Quantity stands for, rounded up; undefined when it is not one or is larger than any
 * count of bytes we keep. In whole numbers: 1.1 × 10⁶ in floating point is one byte too many.
 */
export function quantityBytes(quantity: number | string): number | undefined {
  if (typeof quantity === 'number')
    return Number.isSafeInteger(quantity) && quantity >= 0 ? quantity : undefined;
  const match = /^(?<whole>[0-9]+)(?:\.(?<fraction>[0-9]+))?(?<suffix>Ki|Mi|Gi|Ti|k|M|G|T)?$/.exec(
    quantity,
  );
  if (match?.groups === undefined || quantity.length > 32) return undefined;
  const { whole = '', fraction = '', suffix = '' } = match.groups;
  const scale = 10n ** BigInt(fraction.length);
  const scaled = BigInt(whole + fraction) * (factors[suffix] ?? 1n);
  const bytes = Number((scaled + scale - 1n) / scale);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

const durationUnitMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

/** The milliseconds a Go duration stands for; undefined when it is not one. */
export function durationMs(duration: string): number | undefined {
  if (!new RegExp(goDuration).test(duration)) return undefined;
  let total = 0;
  for (const part of duration.matchAll(/(?<count>[0-9]+(?:\.[0-9]+)?)(?<unit>ms|s|m|h)/g)) {
    total += Number(part.groups?.['count']) * (durationUnitMs[part.groups?.['unit'] ?? ''] ?? 0);
  }
  return Math.round(total);
}
