import type { StructuralSchema } from '@millrace/crds/crd-yaml';
import { copied, isJsonObject } from '../field-paths.ts';

/**
 * A copy with the schema's defaults: of absent fields only, and never inside an absent object. A
 * field that is null is an absent one, as on a server; a null in a list is not.
 */
export function withSchemaDefaults(schema: StructuralSchema, value: unknown): unknown {
  if (Array.isArray(value)) {
    const { items } = schema;
    return items === undefined ? value : value.map((item) => withSchemaDefaults(items, item));
  }
  if (!isJsonObject(value)) return value;
  const complete = new Map(Object.entries(value));
  for (const [key, field] of Object.entries(schema.properties ?? {})) {
    const given = complete.get(key) ?? copied(field.default);
    if (given === undefined || given === null) complete.delete(key);
    else complete.set(key, withSchemaDefaults(field, given));
  }
  return Object.fromEntries(complete);
}
