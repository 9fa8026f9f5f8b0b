/** Tells of each change of one type, forever: a list, then a watch, and again when the watch is over. */
import type {
  KubeApi,
  KubeObject,
  ListOptions,
  ResourceType,
  WatchEvent,
} from '../../machinery/kube-api.ts';
import { KubeFailure } from '../../machinery/kube-failure.ts';

export interface Following {
  /** A resource as it is now; also told again after a new list, if it changed meanwhile. */
  readonly changed: (object: KubeObject) => void;
  readonly gone: (object: KubeObject) => void;
  readonly signal: AbortSignal;
}

interface Followed {
  readonly type: ResourceType;
  readonly scope: ListOptions;
  /** The version of the list that is known. */
  readonly since: string;
}

export async function follow(
  api: KubeApi,
  { type, scope, since }: Followed,
  following: Following,
): Promise<void> {
  const { changed, signal } = following;
  let version = since;
  while (!signal.aborted) {
    try {
      for await (const event of api.watch(type, { ...scope, resourceVersion: version, signal })) {
        version = versionOf(event) ?? version;
        tell(event, following);
      }
    } catch (error) {
      if (!(error instanceof KubeFailure) || error.reason !== 'Gone') throw error;
      const list = await api.list(type, scope);
      list.items.forEach(changed);
      version = list.resourceVersion;
    }
  }
}

function versionOf(event: WatchEvent): string | undefined {
  return event.type === 'BOOKMARK' ? event.resourceVersion : event.object.metadata.resourceVersion;
}

function tell(event: WatchEvent, { changed, gone }: Following): void {
  if (event.type === 'BOOKMARK') return;
  if (event.type === 'DELETED') gone(event.object);
  else changed(event.object);
}
