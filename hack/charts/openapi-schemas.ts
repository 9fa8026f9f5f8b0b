/**
 * The schemas of an API server's own description (/openapi/v2), as kubeconform reads them: one file
 * for each kind, with all that it refers to inside, and closed, so that a field that the server would
 * drop is an error.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

type Json = Readonly<Record<string, unknown>>;

interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

interface Description {
  readonly definitions: Readonly<Record<string, Json>>;
}

/** What OpenAPI calls text is a number as well. */
const eitherType: Readonly<Record<string, Json>> = {
  'io.k8s.apimachinery.pkg.util.intstr.IntOrString': { type: ['integer', 'string'] },
  'io.k8s.apimachinery.pkg.api.resource.Quantity': { type: ['number', 'string'] },
};

/** kubeconform's argument that finds the files again. */
export function schemaLocation(folder: string): string {
  return join(folder, '{{ .ResourceKind }}-{{ .Group }}-{{ .ResourceAPIVersion }}.json');
}

/** Returns how many kinds were written. */
export async function writeSchemas(description: Description, folder: string): Promise<number> {
  await mkdir(folder, { recursive: true });
  const { definitions } = description;
  const closed = Object.fromEntries(
    Object.entries(definitions).map(([name, schema]) => [name, eitherType[name] ?? strict(schema)]),
  );
  let written = 0;
  for (const [name, schema] of Object.entries(definitions)) {
    for (const { group, version, kind } of kindsOf(schema)) {
      // The core group has no name; kubeconform takes its version for one.
      const file = `${kind.toLowerCase()}-${group === '' ? version : group}-${version}.json`;
      const needed = Object.fromEntries(
        [...reached(name, closed)].map((key) => [key, closed[key]]),
      );
      const whole = { $ref: `#/definitions/${name}`, definitions: needed };
      await writeFile(join(folder, file), JSON.stringify(whole));
      written += 1;
    }
  }
  return written;
}

/** Options of a call, such as DeleteOptions, belong to every group; nobody renders one. */
function kindsOf(schema: Json): readonly GroupVersionKind[] {
  const kinds = schema['x-kubernetes-group-version-kind'];
  if (!Array.isArray(kinds) || kinds.length !== 1) return [];
  return kinds as readonly GroupVersionKind[];
}

function reached(name: string, definitions: Readonly<Record<string, Json>>): ReadonlySet<string> {
  const found = new Set([name]);
  for (const key of found) {
    for (const [, target = ''] of JSON.stringify(definitions[key]).matchAll(
      /"\$ref":"#\/definitions\/([^"]+)"/g,
    )) {
      found.add(target);
    }
  }
  return found;
}

function strict(value: unknown): Json {
  return closedValue(value) as Json;
}

function closedValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closedValue);
  if (typeof value !== 'object' || value === null) return value;
  const copy: Record<string, unknown> = {};
  for (const [key, held] of Object.entries(value)) copy[key] = closedValue(held);
  const isOpen = 'additionalProperties' in copy || 'x-kubernetes-preserve-unknown-fields' in copy;
  if (isPropertyMap(copy['properties']) && !isOpen) copy['additionalProperties'] = false;
  return copy;
}

/** A field may be called properties too, as that of a definition's schema is. */
function isPropertyMap(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    !('$ref' in value) &&
    !('type' in value && typeof (value as Json)['type'] === 'string')
  );
}
