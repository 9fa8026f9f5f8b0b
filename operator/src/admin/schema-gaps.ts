/**
 * What a served schema lacks of ours: fields, allowed values and rules. Pure. What it has beyond ours
 * is no gap: a definition newer than the operator is the order in which one upgrades.
 */
import type { StructuralSchema } from '@millrace/crds/crd-yaml';

/** Paths such as `status.intent`; a rule is named by its message behind the path. */
export function schemaGaps(ours: StructuralSchema, served: StructuralSchema): readonly string[] {
  return gapsAt(ours, served, '');
}

function gapsAt(ours: StructuralSchema, served: StructuralSchema, at: string): string[] {
  return [
    ...valueGaps(ours, served, at),
    ...ruleGaps(ours, served, at),
    ...Object.entries(ours.properties ?? {}).flatMap(([key, field]) => {
      const path = at === '' ? key : `${at}.${key}`;
      const held = served.properties?.[key];
      if (held === undefined) return keepsUnknown(served) ? [] : [path];
      return gapsAt(field, held, path);
    }),
    ...inner(ours.items, served.items, `${at}[]`),
    ...inner(ours.additionalProperties, served.additionalProperties, `${at}{}`),
  ];
}

function inner(
  ours: StructuralSchema | undefined,
  served: StructuralSchema | undefined,
  at: string,
): string[] {
  return ours === undefined ? [] : gapsAt(ours, served ?? {}, at);
}

function keepsUnknown(schema: object): boolean {
  return 'x-kubernetes-preserve-unknown-fields' in schema;
}

function valueGaps(ours: StructuralSchema, served: StructuralSchema, at: string): string[] {
  if (ours.enum === undefined || served.enum === undefined) return [];
  const held = new Set(served.enum);
  return ours.enum.filter((value) => !held.has(value)).map((value) => `${at}=${value}`);
}

function ruleGaps(ours: StructuralSchema, served: StructuralSchema, at: string): string[] {
  const held = new Set((served['x-kubernetes-validations'] ?? []).map(({ rule }) => rule));
  return (ours['x-kubernetes-validations'] ?? [])
    .filter(({ rule }) => !held.has(rule))
    .map(({ message }) => `${at}: ${message}`);
}
