/** `status -w`: each change is a row below, as kubectl does it: it can be scrolled back, and piped. */
import type { KubeApi, KubeObject, ListOptions } from '../../machinery/kube-api.ts';
import type { KindPreview } from '../../machinery/preview.ts';
import type { CliContext } from '../context.ts';
import { table } from '../words.ts';
import { follow } from './follow.ts';
import { rowOf, viewOf, type View } from './rows.ts';

export interface Seen {
  readonly preview: KindPreview;
  readonly view: View;
}

export interface Listed {
  readonly preview: KindPreview;
  readonly items: readonly KubeObject[];
  readonly resourceVersion: string;
}

export function row({ view, preview }: Seen, isAll: boolean, now: number): readonly string[] {
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

export async function watchAll(
  context: CliContext,
  api: KubeApi,
  watching: Watching,
): Promise<void> {
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
