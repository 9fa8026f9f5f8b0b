/** `millrace status`: how all resources are doing, or one in detail; `-w` tells of each change. */
import { stripVTControlCharacters } from 'node:util';
import { Command, Option } from 'commander';
import { exitCode } from '@millrace/kit/exit-code';
import type { KubeApi, KubeObject, ListOptions } from '../../machinery/kube-api.ts';
import type { KindPreview } from '../../machinery/preview.ts';
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
import { paintFor, table } from '../words.ts';
import { follow } from './follow.ts';
import { columns, pageOf, rowOf, viewOf, type View } from './rows.ts';

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

interface Seen {
  readonly preview: KindPreview;
  readonly view: View;
}

interface Listed {
  readonly preview: KindPreview;
  readonly items: readonly KubeObject[];
  readonly resourceVersion: string;
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

function row({ view, preview }: Seen, isAll: boolean, now: number): readonly string[] {
  const cells = rowOf(view, preview.ledger, now);
  return isAll ? [view.namespace, ...cells] : cells;
}

interface Watching {
  readonly lists: readonly Listed[];
  readonly heading: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly isAll: boolean;
  readonly namespace: string;
}

/** Each change is a row below, as kubectl does it: it can be scrolled back, and piped. */
async function watchAll(context: CliContext, api: KubeApi, watching: Watching): Promise<void> {
  const { lists, heading, rows, isAll, namespace } = watching;
  const { out, now } = context;
  const printed = new Map<string, string>();
  const age = heading.length - 1;
  const tell = (one: Seen, change: Partial<View>): void => {
    const cells = row({ ...one, view: { ...one.view, ...change } }, isAll, now());
    // A new age alone is no news.
    const news = JSON.stringify(cells.slice(0, age));
    const key = `${one.view.namespace} ${one.view.title}`;
    if (printed.get(key) === news) return;
    printed.set(key, news);
    const all = printed.size === 1 && rows.length === 0 ? [heading, cells] : [cells];
    out.write(
      `${table([heading, ...rows, ...all])
        .slice(-all.length)
        .join('\n')}\n`,
    );
  };
  const scope: ListOptions = namespace === '' ? {} : { namespace };
  const signal = context.signal ?? new AbortController().signal;
  for (const { preview, items } of lists) {
    for (const item of items) {
      const view = viewOf(item, preview);
      const cells = row({ preview, view }, isAll, now());
      printed.set(`${view.namespace} ${view.title}`, JSON.stringify(cells.slice(0, age)));
    }
  }
  await Promise.all(
    lists.map(({ preview, resourceVersion }) =>
      follow(
        api,
        { type: preview.type, scope, since: resourceVersion },
        {
          changed: (object) => tell({ preview, view: viewOf(object, preview) }, {}),
          gone: (object) => tell({ preview, view: viewOf(object, preview) }, { reason: 'Deleted' }),
          signal,
        },
      ),
    ),
  );
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

/** Draws over what it drew before; says nothing where nothing but the age has changed. */
function drawing({ out, now }: CliContext, preview: KindPreview): (resource: KubeObject) => void {
  let drawnLines = 0;
  let drawn = '';
  return (resource) => {
    const view = viewOf(resource, preview);
    if (JSON.stringify(view) === drawn) return;
    drawn = JSON.stringify(view);
    const look = { paint: paintFor(out), now: now(), isTerminal: out.isTerminal };
    const lines = pageOf(view, preview.ledger, look);
    if (out.isTerminal && drawnLines > 0) out.write(`\x1b[${drawnLines}A\x1b[J`);
    out.write(`${lines.join('\n')}\n`);
    const height = (line: string): number =>
      Math.max(1, Math.ceil(stripVTControlCharacters(line).length / out.columns));
    drawnLines = lines.reduce((sum, line) => sum + height(line), 0);
  };
}
