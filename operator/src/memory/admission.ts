/**
 * What a server does to an object before it is stored: defaults, then every check.
 *
 * All problems are reported at once, each with its path. Values never appear in a message: an
 * object may be a Secret.
 */
import type { StructuralSchema } from '@millrace/crds/crd-yaml';
import type { KubeObject } from '../machinery/kube-api.ts';
import { KubeFailure } from '../machinery/kube-failure.ts';
import { builtInDefaults, builtInProblems } from './built-in-checks.ts';
import { getAt, isJsonObject, type JsonObject } from './field-paths.ts';
import { metadataProblems } from './metadata-checks.ts';
import type { Problem } from './problem.ts';
import type { CustomSchema, ResourceKind } from './resource-kinds.ts';
import { ruleProblems } from './schema/cel.ts';
import { withSchemaDefaults } from './schema/defaults.ts';
import { schemaProblems } from './schema/value-checks.ts';

export interface Examined {
  /** With its defaults. */
  readonly complete: JsonObject;
  readonly problems: readonly Problem[];
}

/** The object with its defaults, or an `Invalid` failure that names every problem. */
export function admitted(
  kind: ResourceKind,
  object: JsonObject,
  before: KubeObject | undefined,
): JsonObject {
  const { complete, problems } = examined(kind, object, before);
  if (problems.length > 0) throw invalid(kind, complete, problems);
  return complete;
}

/** The same without a failure, for whoever wants to say where in a file each problem stands. */
export function examined(
  kind: ResourceKind,
  object: JsonObject,
  before: KubeObject | undefined,
): Examined {
  const { custom } = kind;
  const complete = custom ? customDefaults(custom.schema, object) : builtInDefaults(kind, object);
  const special = custom
    ? customProblems(custom, complete, before)
    : builtInProblems(kind, complete, before);
  return { complete, problems: [...metadataProblems(kind, complete, before), ...special] };
}

function customDefaults(schema: StructuralSchema, object: JsonObject): JsonObject {
  const complete = withSchemaDefaults(schema, object);
  return isJsonObject(complete) ? complete : object;
}

/**
 * The metadata has checks of its own. Rules are judged once the values fit the schema so far that
 * the rules can assume its types. What is wrong at one place is said once.
 */
function customProblems(
  { schema, programs }: CustomSchema,
  object: JsonObject,
  before: KubeObject | undefined,
): Problem[] {
  const metadata: StructuralSchema = { type: 'object' };
  const own = { ...schema, properties: { ...schema.properties, metadata } };
  const problems = schemaProblems({ schema: own, at: '' }, object);
  if (problems.some(({ blocksRules }) => blocksRules === true)) return problems;
  const told = new Set(problems.map(({ at }) => at));
  const broken = ruleProblems(programs, { schema, at: '', value: object, old: before });
  return [...problems, ...broken.filter(({ at }) => at === '' || !told.has(at))];
}

function invalid(
  kind: ResourceKind,
  object: JsonObject,
  problems: readonly Problem[],
): KubeFailure {
  const list = problems
    .map(({ at, message }) => (at === '' ? message : `${at}: ${message}`))
    .join('; ');
  return new KubeFailure('Invalid', `${kind.kind} "${nameOf(object)}" is invalid: ${list}`);
}

function nameOf(object: JsonObject): string {
  const name = getAt(object, ['metadata', 'name']);
  return typeof name === 'string' ? name : '';
}
