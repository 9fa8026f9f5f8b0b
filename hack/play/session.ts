/**
 * The part of a run in which things happen: the operator works, people watch, and at the end it is
 * said how each resource came out.
 */
import { join } from 'node:path';
import type { KubeObject } from '@millrace/operator/machinery/kube-api';
import type { BackendName, RunningBackend } from '../backends/backend.ts';
import { keepBackends } from './backend-keeper.ts';
import { asPod, podType, uidOf } from './controllers/workload.ts';
import { drainServices, resumeServices } from './drain.ts';
import { playKindOf } from './kinds/kinds.ts';
import { repository, type LocalCluster } from './local-cluster.ts';
import { startLocalOperator } from './local-operator.ts';
import type { Manifest } from './manifests.ts';
import { Monitor } from './monitor.ts';
import type { PlayRun } from './play-run.ts';
import type { StatePaths } from './state/paths.ts';
import { displayPath } from './view/display-path.ts';
import { watchSource } from './watch-source.ts';

/** As a shell reports a command that Ctrl-C ended. */
export const interruptedExitCode = 130;

export interface SessionParts {
  readonly run: PlayRun;
  readonly manifests: readonly Manifest[];
  readonly paths: StatePaths;
  readonly cluster: LocalCluster;
  readonly backends: ReadonlyMap<BackendName, RunningBackend>;
  onError(error: unknown): void;
}

/** Longer than a pod's own drain, after which nothing more is to be hoped for. */
const drainGraceMs = 40_000;

export async function runSession(parts: SessionParts): Promise<number> {
  const { run, manifests, paths, cluster } = parts;
  const { options, screen, signal } = run;
  const startedMs = performance.now();
  const stop = new AbortController();
  const operator = await startLocalOperator({ api: cluster.api, root: paths.root, env: run.env });
  const monitor = new Monitor({
    api: cluster.api,
    resources: manifests.filter((manifest) => manifest.isResource),
    proxy: cluster.proxy,
    screen,
    logDir: displayPath(join(paths.root, 'pods')),
    signal: stop.signal,
    showsAddresses: !options.once,
    onError: (error) => parts.onError(error),
  });
  const keeping = keepBackends({
    backends: parts.backends,
    signal: stop.signal,
    log: (line) => screen.line(line),
  });
  if (options.watch) watchSource(join(repository, 'runtimes'), stop.signal, () => renewPods(parts));
  try {
    await Promise.race([monitor.allEnded, aborted(signal)]);
    if (!options.once && !signal.aborted) {
      tellEnds(parts, monitor, startedMs);
      tellWhatNow(parts);
      await aborted(signal);
    }
  } finally {
    // What was asked for last is what is reported: the state before anything is taken down.
    stop.abort();
    await monitor.closed;
    await keeping;
    screen.close();
    if (signal.aborted) screen.line('ending: pods finish what they hold');
    await endServices(parts, async () => operator.stop());
  }
  if (options.once && !signal.aborted) tellEnds(parts, monitor, startedMs);
  if (options.json) for (const object of monitor.objects) run.print(jsonLine(object));
  if (signal.aborted) return options.once ? interruptedExitCode : 0;
  return monitor.objects.every((object) => playKindOf(object).end(object)?.isWell === true) ? 0 : 1;
}

/** What has no end has its last figures only now, when nothing comes in any more. */
async function endServices(
  { run, manifests, cluster }: SessionParts,
  stopOperator: () => Promise<void>,
): Promise<void> {
  const say = (line: string): void => run.screen.line(line);
  const draining = { api: cluster.api, manifests, graceMs: drainGraceMs, say };
  try {
    for (const object of await drainServices(draining))
      for (const line of playKindOf(object).summary(object, 0)) say(line);
  } finally {
    await stopOperator();
  }
  await resumeServices(draining);
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}

/** Deleting the pods is enough: their controllers make new ones from the changed source. */
async function renewPods({ run, cluster }: SessionParts): Promise<void> {
  run.screen.line('source changed: starting pods again');
  for (const pod of (await cluster.api.list(podType)).items.map(asPod))
    if (pod.status?.phase === 'Running')
      await cluster.api.delete(podType, pod.metadata, { uid: uidOf(pod) });
}

function tellEnds({ run }: SessionParts, monitor: Monitor, startedMs: number): void {
  const say = (line: string): void => {
    if (run.options.json) run.screen.line(line);
    else run.print(line);
  };
  run.screen.close();
  for (const object of monitor.objects) {
    const seconds = ((monitor.endedAtMs(object) ?? performance.now()) - startedMs) / 1_000;
    for (const line of playKindOf(object).summary(object, seconds)) say(line);
  }
}

function tellWhatNow({ run, backends, paths }: SessionParts): void {
  const postgres = backends.get('postgres');
  if (postgres !== undefined) {
    const url = postgres.ours
      ? `'${postgres.extra.ownerUrl ?? postgres.url}'`
      : '"$MILLRACE_POSTGRES_URL"';
    run.screen.line(`look at the rows with: psql ${url}`);
  }
  run.screen.line(`logs of pods are in ${displayPath(join(paths.root, 'pods'))}`);
  run.screen.line('Ctrl-C ends');
}

function jsonLine(object: KubeObject): string {
  const { kind, metadata } = object;
  const { namespace, name, uid } = metadata;
  return JSON.stringify({ kind, namespace, name, uid, status: object['status'] ?? {} });
}
