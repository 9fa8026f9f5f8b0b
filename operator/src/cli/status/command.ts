/** `millrace status`: how all resources are doing, or one in detail; `-w` tells of each change. */
import { Command, Option } from 'commander';
import { exitCode } from '@millrace/kit/exit-code';
import type { KubeObject } from '../../machinery/kube-api.ts';
import { previews } from '../../registry.ts';
import { withClusterOptions } from '../cluster-options.ts';
import {
  exitCodesHelp,
  runOnCluster,
  type CliContext,
  type Cluster,
  type ClusterFlags,
} from '../context.ts';
import { badUsage } from '../ending.ts';
import { findResource, listResources, parseName, type Named } from '../find-resource.ts';
import { table } from '../words.ts';
import { follow } from './follow.ts';
import { drawing } from './drawing.ts';
import { columns, viewOf } from './rows.ts';
import { row, watchAll, type Listed } from './watch-all.ts';

interface Flags extends ClusterFlags {
  readonly allNamespaces?: true;
  readonly watch?: true;
  readonly output?: 'json';
}

const help = `
Examples:
  kubectl millrace status
  kubectl millrace status -A -w
  kubectl millrace status csvimport/users -n team
${exitCodesHelp}`;

export function statusCommand(context: CliContext): Command {
  const command = new Command('status')
    .description('shows all resources of Millrace, or one in detail')
    .argument('[kind/name]', 'such as csvimport/users; without it, all')
    .option('-A, --all-namespaces', 'of all namespaces')
    .option('-w, --watch', 'tell of each change, until Ctrl-C')
    .addOption(new Option('-o, --output <format>', 'print JSON').choices(['json']));
  return withClusterOptions(command)
    .addHelpText('after', help)
    .action((text: string | undefined, flags: Flags) =>
      runOnCluster(context, flags, () => {
        refuseContradictions(text, flags);
        const named = text === undefined ? undefined : parseName(text);
        return (cluster) =>
          named === undefined
            ? showAll(context, { cluster, flags })
            : showOne(context, named, { cluster, flags });
      }),
    );
}

function refuseContradictions(
  text: string | undefined,
  { watch, output, allNamespaces }: Flags,
): void {
  if (watch === true && output !== undefined) {
    throw badUsage('-w and -o cannot be combined; leave one out');
  }
  if (text !== undefined && allNamespaces === true) {
    throw badUsage('-A shows all resources; leave it out, or the name');
  }
}

interface Run {
  readonly cluster: Cluster;
  readonly flags: Flags;
}

async function showAll(context: CliContext, { cluster, flags }: Run): Promise<number> {
  const { api } = cluster;
  const isAll = flags.allNamespaces === true;
  const namespace = isAll ? '' : cluster.namespace;
  const lists: Listed[] = [];
  for (const preview of previews) {
    lists.push({ preview, ...(await listResources(api, preview.type, namespace)) });
  }
  const seen = lists.flatMap(({ preview, items }) =>
    items.map((item) => ({ preview, view: viewOf(item, preview) })),
  );
  if (flags.output === 'json') {
    context.out.write(`${JSON.stringify({ items: seen.map(({ view }) => view) })}\n`);
    return exitCode.finished;
  }
  if (seen.length === 0) {
    const place = isAll ? 'this cluster' : `namespace ${namespace}`;
    context.err.write(
      `${place} has no resource of Millrace${isAll ? '' : '; -A shows those of all namespaces'}\n`,
    );
  }
  const rows = seen.map((one) => row(one, isAll, context.now()));
  const heading = isAll ? ['NAMESPACE', ...columns] : [...columns];
  if (seen.length > 0) context.out.write(`${table([heading, ...rows]).join('\n')}\n`);
  if (flags.watch === true)
    await watchAll(context, api, { lists, heading, rows, isAll, namespace });
  return exitCode.finished;
}

async function showOne(
  context: CliContext,
  named: Named,
  { cluster, flags }: Run,
): Promise<number> {
  const { api, namespace } = cluster;
  const { preview, name } = named;
  const resource = await findResource(api, named, namespace);
  if (flags.output === 'json') {
    context.out.write(`${JSON.stringify(viewOf(resource, preview))}\n`);
    return exitCode.finished;
  }
  const draw = drawing(context, preview);
  draw(resource);
  if (flags.watch !== true) return exitCode.finished;
  const stop = new AbortController();
  const signal = AbortSignal.any([stop.signal, ...(context.signal ? [context.signal] : [])]);
  const isIt = ({ metadata }: KubeObject): boolean => metadata.name === name;
  const since = resource.metadata.resourceVersion ?? '0';
  await follow(
    api,
    { type: preview.type, scope: { namespace }, since },
    {
      changed: (object) => {
        if (isIt(object)) draw(object);
      },
      gone: (object) => {
        if (!isIt(object)) return;
        context.err.write(`${named.preview.type.kind} ${namespace}/${name} was deleted\n`);
        stop.abort();
      },
      signal,
    },
  );
  return exitCode.finished;
}
