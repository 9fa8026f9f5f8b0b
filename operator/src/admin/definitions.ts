/**
 * Whether the API server serves our kinds, and as we know them; asked once, before anything starts.
 *
 * A definition that is missing is waited for, since nothing can be watched without it, and the log
 * and /readyz name the command that installs it. One that lacks fields of ours is older than this
 * operator: the server would drop what it does not know without a word, so it is a warning and a
 * metric, but what it does know works. Reading definitions is a right of the whole cluster; an
 * operator of single namespaces may be without it, and then only learns whether the kind is served.
 */
import { customResourceDefinition, type StructuralSchema } from '@millrace/crds/crd-yaml';
import { apiVersion, version, type Kind } from '@millrace/crds/define-kind';
import type { Clock } from '@millrace/kit/clock';
import type { Log } from '@millrace/kit/log';
import { Gauge, type Metrics } from '@millrace/kit/metrics';
import { Permanent } from '@millrace/kit/permanent';
import { backoffMs } from '@millrace/kit/retry';
import type { KubeApi, KubeObject, ResourceType } from '../machinery/kube-api.ts';
import { KubeFailure } from '../machinery/kube-failure.ts';
import { schemaGaps } from './schema-gaps.ts';

const definitionType: ResourceType = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
};

export interface DefinitionsOptions {
  readonly api: Pick<KubeApi, 'get'>;
  readonly kinds: readonly Kind[];
  /** One in which we may read resources of the kinds. */
  readonly namespace: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Told what is being waited for, for /readyz. */
  readonly onWaiting: (reason: string) => void;
  readonly signal: AbortSignal;
}

type Finding =
  | { readonly found: 'served' | 'unreadable' }
  | { readonly found: 'outdated'; readonly gaps: readonly string[] }
  | { readonly found: 'missing' | 'away'; readonly reason: string };

/** Soon enough for whoever has just run the command, rare enough to wait for hours. */
const backoff = { baseMs: 1_000, maxMs: 10_000 };
/** Named in the log; more would hide the first. */
const gapsShown = 5;

/** Resolves when every kind is served, or when the signal aborts. */
export async function definitionsServed(options: DefinitionsOptions): Promise<void> {
  const outdated = new Gauge({
    name: 'millrace_operator_definition_outdated',
    help: '1 if the definition that the API server has lacks fields that this operator uses.',
    labelNames: ['kind'],
    registers: [options.metrics],
  });
  for (const kind of options.kinds) {
    const finding = await waitFor(kind, options);
    outdated.set({ kind: kind.slug }, finding?.found === 'outdated' ? 1 : 0);
  }
}

/** What was found at last; says each reason for waiting once. */
async function waitFor(kind: Kind, options: DefinitionsOptions): Promise<Finding | undefined> {
  const { clock, log, onWaiting, signal } = options;
  let said = '';
  for (let attempt = 1; !signal.aborted; attempt++) {
    const finding = await look(kind, options);
    if (!('reason' in finding)) {
      if (said !== '') log.info({ kind: kind.slug }, 'definition is served, going on');
      report(kind, finding, log);
      return finding;
    }
    onWaiting(finding.reason);
    if (finding.reason !== said) log.error({ kind: kind.slug, why: finding.reason }, 'waiting');
    said = finding.reason;
    await clock.sleep(backoffMs(attempt, backoff, 0.5), signal);
  }
  return undefined;
}

function report(kind: Kind, finding: Finding, log: Log): void {
  if (finding.found === 'unreadable') {
    log.debug({ kind: kind.slug }, 'no right to read definitions, taken as current');
  }
  if (finding.found !== 'outdated') return;
  const { gaps } = finding;
  log.warn(
    { kind: kind.slug, lacks: gaps.slice(0, gapsShown), gaps: gaps.length, run: command(kind) },
    'the definition on the API server is older than this operator',
  );
}

async function look(kind: Kind, options: DefinitionsOptions): Promise<Finding> {
  try {
    return await lookAtDefinition(kind, options);
  } catch (error) {
    const finding = findingOf(error);
    return finding.found === 'unreadable' ? await probe(kind, options) : finding;
  }
}

async function lookAtDefinition(kind: Kind, { api }: DefinitionsOptions): Promise<Finding> {
  const ours = customResourceDefinition(kind);
  const { name } = ours.metadata;
  const held = await api.get(definitionType, { namespace: '', name });
  const served = held === undefined ? undefined : servedSchema(held);
  if (served === undefined) {
    return missing(kind, held === undefined ? 'does not exist' : `does not serve ${version}`);
  }
  const [{ schema }] = ours.spec.versions;
  const gaps = schemaGaps(schema.openAPIV3Schema, served);
  return gaps.length === 0 ? { found: 'served' } : { found: 'outdated', gaps };
}

/** Of a kind that is served an absent resource is undefined; only the kind's own absence is a failure. */
async function probe(kind: Kind, { api, namespace }: DefinitionsOptions): Promise<Finding> {
  const type = { apiVersion, kind: kind.kind, plural: kind.plural };
  try {
    await api.get(type, { namespace, name: 'is-this-kind-served' });
    return { found: 'unreadable' };
  } catch (error) {
    const isMissing = error instanceof KubeFailure && error.reason === 'NotFound';
    return isMissing ? missing(kind, 'is not served') : findingOf(error);
  }
}

function missing(kind: Kind, what: string): Finding {
  const { name } = customResourceDefinition(kind).metadata;
  const reason = `CustomResourceDefinition ${name} ${what}. Run: ${command(kind)}`;
  return { found: 'missing', reason };
}

function findingOf(error: unknown): Finding {
  if (!(error instanceof KubeFailure)) throw error;
  if (error.reason === 'Forbidden') return { found: 'unreadable' };
  if (error.reason === 'Unauthorized') {
    throw new Permanent(
      'BadConfiguration',
      'The API server does not accept our credentials (401). Check the kubeconfig, its context and token.',
      { cause: error },
    );
  }
  return { found: 'away', reason: `The API server does not answer as it should: ${error.message}` };
}

function command(kind: Kind): string {
  return `kubectl apply -f crds/${kind.slug}.yaml`;
}

interface Definition {
  readonly spec?: {
    readonly versions?: readonly {
      readonly name?: string;
      readonly served?: boolean;
      readonly schema?: { readonly openAPIV3Schema?: StructuralSchema };
    }[];
  };
}

function servedSchema(definition: KubeObject): StructuralSchema | undefined {
  const { spec } = definition as Definition;
  const held = spec?.versions?.find(({ name, served }) => name === version && served === true);
  return held?.schema?.openAPIV3Schema;
}
