/** Warnings of the last hour, one for each object and reason, newest first. Pure. */
import type { KubeObject } from '../../machinery/kube-api.ts';
import { timeOf } from '../words.ts';

export interface Warning {
  /** `Pod/users-worker-1` */
  readonly object: string;
  readonly reason: string;
  readonly note: string;
  readonly lastMs: number;
  readonly times: number;
}

interface EventFields {
  readonly type?: string;
  readonly reason?: string;
  readonly note?: string;
  readonly eventTime?: string | null;
  readonly deprecatedLastTimestamp?: string | null;
  readonly deprecatedCount?: number;
  readonly series?: { readonly count?: number; readonly lastObservedTime?: string };
  readonly regarding?: { readonly uid?: string };
}

const recentMs = 3_600_000;

/** The objects are given by uid: a name may have belonged to a predecessor. */
export function warningsAbout(
  about: ReadonlyMap<string | undefined, KubeObject>,
  events: readonly KubeObject[],
  now: number,
): readonly Warning[] {
  const found = new Map<string, Warning>();
  for (const event of events as readonly (KubeObject & EventFields)[]) {
    const object = about.get(event.regarding?.uid);
    const warning = object === undefined ? undefined : warningOf(event, object);
    if (warning === undefined || now - warning.lastMs > recentMs) continue;
    const key = `${warning.object} ${warning.reason}`;
    const held = found.get(key);
    found.set(key, held === undefined ? warning : together(held, warning));
  }
  return [...found.values()].toSorted((a, b) => b.lastMs - a.lastMs);
}

function warningOf(event: EventFields, { kind, metadata }: KubeObject): Warning | undefined {
  const { type, reason = '', note = '', series } = event;
  const lastMs = lastSeenMs(event);
  if (type !== 'Warning' || lastMs === undefined) return undefined;
  const times = series?.count ?? event.deprecatedCount ?? 1;
  return { object: `${kind}/${metadata.name}`, reason, note, lastMs, times };
}

function lastSeenMs(event: EventFields): number | undefined {
  const times = [event.series?.lastObservedTime, event.deprecatedLastTimestamp, event.eventTime];
  return times.map(timeOf).find((ms) => ms !== undefined);
}

function together(a: Warning, b: Warning): Warning {
  const newest = b.lastMs >= a.lastMs ? b : a;
  return { ...newest, times: a.times + b.times };
}
