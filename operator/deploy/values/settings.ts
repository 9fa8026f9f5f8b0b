/**
 * The settings of a configuration loader as values of the chart, so that a new one needs no second
 * description. Left out is what the chart decides itself, or what makes no sense in a pod.
 */
import { Type, type TObject, type TSchema } from 'typebox';

/** Keys of the configuration that follow from other values, or make no sense in a pod. */
const decidedByChart: ReadonlySet<string> = new Set([
  'kubeconfig',
  'context',
  'runtimeImage',
  'namespaces',
  'admin',
  'leaderElection.enabled',
  'leaderElection.namespace',
  'leaderElection.name',
]);

/** What the loader's own schema leaves unsaid, since its names say it to whoever reads the code. */
const words: Readonly<Record<string, string>> = {
  logLevel: 'trace, debug, info, warn, error or silent.',
  polls: 'How the progress of runtime pods is asked for.',
  'polls.perSecond': 'Most requests in a second, to all pods together.',
  'polls.inFlight': 'Most requests at a time.',
  leaderElection: 'Timings of the Lease.',
};

interface Settings {
  readonly schema: TSchema;
  readonly values: Readonly<Record<string, unknown>>;
  readonly path: readonly string[];
}

interface Documented {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, TSchema>>;
}

/** The schema of a configuration with its defaults inside, without what the chart decides. */
export function settings(description: string, { schema, values, path }: Settings): TObject {
  const { properties = {} } = schema as Documented;
  const kept = Object.entries(properties).flatMap(([key, child]) => {
    const at = [...path, key];
    return decidedByChart.has(at.join('.'))
      ? []
      : [[key, setting(child, values[key], at)] as const];
  });
  return Type.Object(Object.fromEntries(kept), { description, additionalProperties: false });
}

function setting(schema: TSchema, value: unknown, path: readonly string[]): TSchema {
  const { description, properties } = schema as Documented;
  const said = description ?? words[path.join('.')] ?? '';
  if (properties !== undefined) {
    return settings(said, { schema, values: value as Readonly<Record<string, unknown>>, path });
  }
  return Type.Unsafe({ ...schema, default: value, description: said });
}
