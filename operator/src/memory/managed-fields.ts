/**
 * Who owns which field, in the form that the API shows it: `metadata.managedFields`.
 *
 * Computed when an object is handed out by `get` or as the answer to a write. Lists and watches leave
 * it out, as every cache would trim it anyway; entries carry no time, which nothing here needs.
 */
import { decodePath, setAt, type JsonObject } from './field-paths.ts';
import type { Owners } from './ownership.ts';
import { elementKeyText, isElementKey } from './unfolding.ts';

export interface ManagedFields {
  readonly manager: string;
  readonly operation: string;
  readonly apiVersion: string;
  readonly fieldsType: 'FieldsV1';
  readonly fieldsV1: JsonObject;
  readonly subresource?: string;
}

export function managedFields(apiVersion: string, owners: Owners): readonly ManagedFields[] {
  return [...owners].map(([key, paths]) => {
    const [manager = '', operation = '', subresource = ''] = decodePath(key);
    return {
      manager,
      operation,
      apiVersion,
      fieldsType: 'FieldsV1',
      fieldsV1: fieldsV1(paths),
      ...(subresource === '' ? {} : { subresource }),
    };
  });
}

function fieldsV1(paths: ReadonlySet<string>): JsonObject {
  const fields: JsonObject = {};
  for (const path of paths) {
    const keys = decodePath(path).map((key) =>
      isElementKey(key) ? elementKeyText(key) : `f:${key}`,
    );
    setAt(fields, keys, {});
  }
  return fields;
}
