/** `millrace plan`: what a manifest would change and why. Nothing is written, not even by the server. */
import { Command, Option } from 'commander';
import { exitCode } from '@millrace/kit/exit-code';
import type { KubeApi, KubeObject, ResourceType } from '../../machinery/kube-api.ts';
import { previews } from '../../registry.ts';
import { withClusterOptions } from '../cluster-options.ts';
import { runOnCluster, type CliContext, type Cluster, type ClusterFlags } from '../context.ts';
import { badUsage, CommandFailure } from '../ending.ts';
import { previewOf } from '../find-resource.ts';
import {
  manifestDocuments,
  ManifestUnreadable,
  readManifestFiles,
  type ManifestDocument,
} from '../manifest-file.ts';
import { paintFor } from '../words.ts';
import { resourcePage, summaryLine, summaryOf } from './page.ts';
import { planResource, planServed, type Image, type ResourcePlan } from './resource-plan.ts';
import type { Brought } from './world.ts';

interface Flags extends ClusterFlags {
  readonly runtimeImage?: string;
  readonly output?: 'json';
  readonly verbose?: true;
}

const help = `
Each resource is applied in a dry run, so that the API server judges it with its own rules; then the
plan of the operator for the result is made by the operator's own code, over what is in the cluster
now, and each of its steps is dry-run too. A Secret, ConfigMap or claim in the same files counts as if
it were there. Values of Secrets are never shown.

Examples:
  kubectl millrace plan users.yaml
  kubectl millrace plan manifests/ -n team -o json
  kubectl millrace plan - < users.yaml

Exit codes: 0 the plan is shown, 1 it is shown and the operator could not carry it out,
64 wrong usage or no permission, 65 the manifest is refused, 75 the API server is away (try again),
70 a bug.`;

export function planCommand(context: CliContext): Command {
  const command = new Command('plan')
    .description('shows what a manifest would change and why; writes nothing')
    .argument('<manifest...>', 'YAML files or folders; - reads standard input')
    .option('--runtime-image <image>', 'image of new pods, as the operator was given it')
    .option('-v, --verbose', 'show every changed field')
    .addOption(new Option('-o, --output <format>', 'print JSON').choices(['json']));
  return withClusterOptions(command)
    .addHelpText('after', help)
    .action((paths: string[], flags: Flags) =>
      runOnCluster(context, flags, async () => {
        const documents = await documentsOf(context, paths);
        return (cluster) => run(context, { paths, documents, flags, cluster });
      }),
    );
}

interface Run {
  readonly paths: readonly string[];
  readonly documents: readonly ManifestDocument[];
  readonly flags: Flags;
  readonly cluster: Cluster;
}

async function run(
  context: CliContext,
  { paths, documents, flags, cluster }: Run,
): Promise<number> {
  const { api } = cluster;
  const sorted = sort(documents, { flags, cluster });
  for (const line of sorted.ignored) context.err.write(`${line}\n`);
  if (sorted.resources.length === 0) {
    const known = previews.map(({ type }) => type.kind).join(' or ');
    throw new CommandFailure(exitCode.badInput, `no ${known} in ${paths.join(', ')}`);
  }
  const plans: ResourcePlan[] = [];
  const brought: Brought[] = [];
  for (const { document, ...served } of sorted.served) {
    const planned = await planServed(document, served, api);
    plans.push(planned.plan);
    brought.push(...planned.brought);
  }
  for (const { document, type, object } of sorted.resources) {
    const preview = previewOf(type.apiVersion, type.kind);
    if (preview === undefined) continue;
    const image = await imageOf(flags, type, { api, namespace: object.metadata.namespace });
    const options = { api, brought, image, now: context.now() };
    plans.push(await planResource({ preview, document, object }, options));
  }
  print(context, plans, flags);
  if (plans.some(({ verdict }) => verdict === 'refused')) return exitCode.badInput;
  return plans.some(({ isBlocked }) => isBlocked) ? 1 : exitCode.finished;
}

function print({ out }: CliContext, plans: readonly ResourcePlan[], flags: Flags): void {
  const summary = summaryOf(plans);
  if (flags.output === 'json') {
    out.write(`${JSON.stringify({ resources: plans, summary })}\n`);
    return;
  }
  const options = { paint: paintFor(out), verbose: flags.verbose === true };
  for (const plan of plans) out.write(`${resourcePage(plan, options).join('\n')}\n\n`);
  out.write(`${summaryLine(summary)}\n`);
}

async function documentsOf(
  context: CliContext,
  paths: readonly string[],
): Promise<readonly ManifestDocument[]> {
  try {
    const files = await readManifestFiles(paths.filter((path) => path !== '-'));
    if (!paths.includes('-')) return files;
    return [...files, ...manifestDocuments('<stdin>', await context.input())];
  } catch (error) {
    if (!(error instanceof ManifestUnreadable)) throw error;
    throw new CommandFailure(exitCode.badInput, error.message, { cause: error });
  }
}

interface Sorted {
  readonly resources: readonly (Brought & { readonly document: ManifestDocument })[];
  readonly served: readonly (Brought & { readonly document: ManifestDocument })[];
  /** Lines about what is not looked at. */
  readonly ignored: readonly string[];
}

/** What resources are known to hang on. */
const servedTypes: readonly ResourceType[] = [
  { apiVersion: 'v1', kind: 'Secret', plural: 'secrets' },
  { apiVersion: 'v1', kind: 'ConfigMap', plural: 'configmaps' },
  { apiVersion: 'v1', kind: 'PersistentVolumeClaim', plural: 'persistentvolumeclaims' },
];

function sort(
  documents: readonly ManifestDocument[],
  { flags, cluster }: Pick<Run, 'flags' | 'cluster'>,
): Sorted {
  const resources: Sorted['resources'][number][] = [];
  const served: Sorted['served'][number][] = [];
  const ignored: string[] = [];
  for (const document of documents) {
    const { apiVersion, kind, whereIs } = document;
    const own = previewOf(apiVersion, kind)?.type;
    const type =
      own ?? servedTypes.find((one) => one.apiVersion === apiVersion && one.kind === kind);
    if (type === undefined) {
      ignored.push(`${whereIs('kind')}: ${String(kind)} is not looked at`);
      continue;
    }
    const entry = { type, document, object: objectOf(document, { flags, cluster }) };
    (own === undefined ? served : resources).push(entry);
  }
  return { resources, served, ignored };
}

function objectOf(
  { value, metadata, whereIs }: ManifestDocument,
  { flags, cluster }: Pick<Run, 'flags' | 'cluster'>,
): KubeObject {
  const { name, namespace } = metadata;
  if (typeof name !== 'string') {
    throw new CommandFailure(
      exitCode.badInput,
      `${whereIs('metadata')}: metadata.name is required; give it a name`,
    );
  }
  if (
    typeof namespace === 'string' &&
    flags.namespace !== undefined &&
    namespace !== flags.namespace
  ) {
    throw badUsage(
      `${whereIs('metadata.namespace')}: the manifest says namespace ${namespace} and the command line ${flags.namespace}; leave one out`,
    );
  }
  const place = typeof namespace === 'string' ? namespace : cluster.namespace;
  return { ...value, metadata: { ...metadata, name, namespace: place } } as unknown as KubeObject;
}

const usualImage = 'millrace-runtimes';

/** What the operator gave to others of the kind is what it would give to this one. */
async function imageOf(
  { runtimeImage }: Flags,
  type: ResourceType,
  { api, namespace }: { readonly api: KubeApi; readonly namespace: string },
): Promise<Image> {
  if (runtimeImage !== undefined) return { name: runtimeImage, isGuess: false };
  const { items } = await api.list(type, { namespace }).catch(() => ({ items: [] }));
  const images = items
    .toSorted((a, b) => born(b).localeCompare(born(a)))
    .map(({ status }) => (status as { readonly runtimeImage?: string } | undefined)?.runtimeImage);
  return { name: images.find((image) => image !== undefined) ?? usualImage, isGuess: true };
}

function born({ metadata }: KubeObject): string {
  return metadata.creationTimestamp ?? '';
}
