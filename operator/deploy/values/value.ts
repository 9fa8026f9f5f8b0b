/**
 * The few shapes that values of the chart have. Each value carries its default and its description,
 * since values.yaml and its comments are generated from here; the generator refuses one without.
 */
import { Type, type TObject, type TProperties, type TSchema } from 'typebox';

interface Documented<T> {
  readonly default: T;
  readonly description: string;
}

/** A closed group of values: a key with a typing mistake is an error of `helm install`. */
export function group<P extends TProperties>(description: string, properties: P): TObject<P> {
  return Type.Object(properties, { description, additionalProperties: false });
}

export function flag(documented: Documented<boolean>): TSchema {
  return Type.Boolean({ ...documented });
}

export function text(
  documented: Documented<string> & { readonly pattern?: string; readonly maxLength?: number },
): TSchema {
  return Type.String({ ...documented });
}

export function integer(
  documented: Documented<number> & { readonly minimum: number; readonly maximum: number },
): TSchema {
  return Type.Integer({ ...documented });
}

export function choice(
  documented: Documented<string> & { readonly oneOf: readonly string[] },
): TSchema {
  const { oneOf, ...rest } = documented;
  return Type.Unsafe<string>({ type: 'string', enum: oneOf, ...rest });
}

export function textList(documented: Documented<readonly string[]>, items: object = {}): TSchema {
  return Type.Unsafe<string[]>({
    type: 'array',
    items: { type: 'string', ...items },
    ...documented,
  });
}

/** Names to names, such as labels. */
export function textMap(documented: Documented<Readonly<Record<string, string>>>): TSchema {
  return Type.Unsafe<Record<string, string>>({
    type: 'object',
    additionalProperties: { type: 'string' },
    ...documented,
  });
}

/** A part of a Kubernetes object, which the API server checks. */
export function kubernetesObject(documented: Documented<object>): TSchema {
  return Type.Unsafe<object>({ type: 'object', ...documented });
}

export function kubernetesList(documented: Documented<readonly object[]>): TSchema {
  return Type.Unsafe<object[]>({ type: 'array', items: { type: 'object' }, ...documented });
}
