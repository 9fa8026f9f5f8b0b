/** What several parts of the spec ask for: names of objects, sizes, and fields that never change. */
import type { TSchema } from 'typebox';
import { quantityBytes, rule, type RuleText } from '../schema.ts';

/** A name of Kubernetes: what can stand in a DNS name. */
export const objectName = '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$';

/** What refuses the change of a field that decides which data is loaded, or how. */
export function immutable(
  field: string,
  { verb = 'is', ...place }: { readonly verb?: 'is' | 'are'; readonly fieldPath?: string } = {},
): RuleText {
  const message = `${field} ${verb} immutable; create a new CsvImport instead`;
  return { message, reason: 'FieldValueForbidden', ...place };
}

/** From 1Ki to `max`: whole numbers are bytes, and CEL compares the two notations differently. */
export function sized<T extends TSchema>(
  schema: T,
  limit: { readonly field: string; readonly max: string },
): T {
  const bytes = quantityBytes(limit.max);
  return rule(
    schema,
    `type(self) == int ? self >= 1024 && self <= ${bytes} : isQuantity(self) && quantity(self).compareTo(quantity('1Ki')) >= 0 && quantity(self).compareTo(quantity('${limit.max}')) <= 0`,
    `${limit.field} must be a size from 1Ki to ${limit.max}, such as 16Mi`,
  );
}
