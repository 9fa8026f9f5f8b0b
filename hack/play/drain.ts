/**
 * Ends services as their operator does it: suspended, they stop taking work, commit what they have
 * taken, and only then lose their pods. Whoever waits is told what is left when that takes too long.
 * Afterwards their manifests are applied again, so that the next run finds them as they were written.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { KubeApi, KubeObject } from '@millrace/operator/machinery/kube-api';
import { playManager } from './apply-manifests.ts';
import { asPod, isFinished, podType, uidOf } from './controllers/workload.ts';
import { playKindOf } from './kinds/kinds.ts';
import { specOf } from './kinds/play-kind.ts';
import { nameOf, type Manifest } from './manifests.ts';
import { isSuspended } from './outcome.ts';

export interface DrainOptions {
  readonly api: KubeApi;
  readonly manifests: readonly Manifest[];
  readonly graceMs: number;
  readonly say: (line: string) => void;
}

/** Both kinds of a pod's owner carry it. */
const uidLabel = 'millrace.dev/uid';
const lookMs = 100;

/** Needs an operator at work. Returns the drained resources as they were last seen. */
export async function drainServices(options: DrainOptions): Promise<readonly KubeObject[]> {
  const services = options.manifests.filter(isDrained);
  const deadlineMs = performance.now() + options.graceMs;
  return (
    await Promise.all(services.map(async (one) => drainOne(one, options, deadlineMs)))
  ).filter((object) => object !== undefined);
}

/** Call when no operator is at work any more. */
export async function resumeServices({ api, manifests }: DrainOptions): Promise<void> {
  for (const { type, object } of manifests.filter(isDrained))
    await api.apply(type, object, { fieldManager: playManager, force: true });
}

function isDrained({ isResource, object }: Manifest): boolean {
  return isResource && !playKindOf(object).runsToAnEnd && !isSuspended(object);
}

async function drainOne(
  manifest: Manifest,
  { api, say }: DrainOptions,
  deadlineMs: number,
): Promise<KubeObject | undefined> {
  const { type, object } = manifest;
  const before = await api.get(type, object.metadata);
  if (before === undefined || (await podsOf(api, before)) === 0) return before;
  say(`ending: ${nameOf(manifest)} takes no more, and commits what it has taken`);
  const suspended = { ...object, spec: { ...specOf(object), suspend: true } };
  await api.apply(type, suspended, { fieldManager: playManager, force: true });
  while ((await podsOf(api, before)) > 0) {
    if (performance.now() > deadlineMs) {
      say(
        `${nameOf(manifest)} is not drained in time; what it has taken stays where it is, and the next run commits it`,
      );
      break;
    }
    await delay(lookMs);
  }
  return api.get(type, object.metadata);
}

async function podsOf(api: KubeApi, object: KubeObject): Promise<number> {
  const { items } = await api.list(podType, { labels: { [uidLabel]: uidOf(object) } });
  return items.map(asPod).filter((pod) => !isFinished(pod)).length;
}
