/**
 * Refuses a definition that an API server would refuse, or take and never make anything of: paths of
 * columns, selectable fields and replicas that lead nowhere. The schemas are `assertStructural`'s.
 */
import type { CustomResourceDefinition, StructuralSchema } from './crd-yaml.ts';
import { fieldAt } from './structural-rules.ts';
import { assertStructural } from './structural.ts';

const mostSelectableFields = 8;

/** Throws with every problem. */
export function assertDefinition(definition: CustomResourceDefinition): void {
  const { kind } = definition.spec.names;
  const root = definition.spec.versions[0].schema.openAPIV3Schema;
  for (const part of ['spec', 'status']) {
    assertStructural(root.properties?.[part] ?? {}, `${kind}.${part}`);
  }
  const problems = definitionProblems(definition);
  if (problems.length === 0) return;
  throw new Error(`the definition of ${kind} is wrong:\n${problems.join('\n')}`);
}

function definitionProblems(definition: CustomResourceDefinition): string[] {
  const [only] = definition.spec.versions;
  const root = only.schema.openAPIV3Schema;
  const columns = only.additionalPrinterColumns;
  return [
    ...columns.flatMap(({ name, jsonPath }) =>
      leadsToField(root, jsonPath) ? [] : [`column ${name}: there is no ${jsonPath}`],
    ),
    ...repeated(columns.map(({ name }) => name)).map((name) => `column ${name} is there twice`),
    ...selectableProblems(root, only.selectableFields),
    ...Object.entries(only.subresources.scale ?? {}).flatMap(([name, path]: [string, string]) =>
      scaleProblems(root, { name, path }),
    ),
  ];
}

function selectableProblems(
  root: StructuralSchema,
  selectable: readonly { readonly jsonPath: string }[],
): string[] {
  const paths = selectable.map(({ jsonPath }) => jsonPath);
  const wrong = paths.filter(
    (path) => !['string', 'boolean', 'integer'].includes(at(root, path)?.type ?? ''),
  );
  return [
    ...wrong.map((path) => `${path} cannot be selected by: no string, boolean or integer`),
    ...repeated(paths).map((path) => `${path} is selectable twice`),
    ...(paths.length > mostSelectableFields ? ['more than 8 fields are selectable'] : []),
  ];
}

function scaleProblems(
  root: StructuralSchema,
  { name, path }: { readonly name: string; readonly path: string },
): string[] {
  const home = name === 'specReplicasPath' ? '.spec.' : '.status.';
  const type = name === 'labelSelectorPath' ? 'string' : 'integer';
  if (!path.startsWith(home)) return [`${name} must be below ${home.slice(0, -1)}`];
  const field = at(root, path);
  if (field?.type !== type) return [`${name}: ${path} is no ${type}`];
  // An autoscaler writes it: GitOps tools would report the default as drift for ever.
  return field.default === undefined ? [] : [`${name}: ${path} must have no default`];
}

/** A plain path, or one through the entries of a list that a filter finds. */
function leadsToField(root: StructuralSchema, path: string): boolean {
  if (path === '.metadata.creationTimestamp') return true;
  const [list = '', rest] = path.split(/\[\?\(@[^)]*\)\]/);
  const found = at(root, list);
  if (rest === undefined) return found !== undefined;
  return found?.items !== undefined && at(found.items, rest) !== undefined;
}

function at(schema: StructuralSchema, path: string): StructuralSchema | undefined {
  return path.startsWith('.') ? fieldAt(schema, path.slice(1).split('.')) : undefined;
}

function repeated(names: readonly string[]): string[] {
  return names.filter((name, index) => names.indexOf(name) !== index);
}
