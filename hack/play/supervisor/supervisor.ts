/**
 * Play's kubelet: every pod of the API has a process on this host, and every such process a pod.
 *
 * Each pass starts what should run and does not, ends what was deleted, and refreshes mounted files.
 * A pod's object is let go (its finalizer removed) only after its process has gone, so that nobody
 * counts on an end that has not happened. One container a pod: our kinds need no more, and a pod
 * with several is refused in its status.
 */
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '@millrace/kit/clock';
import type { KubeApi } from '@millrace/operator/machinery/kube-api';
import { KubeFailure } from '@millrace/operator/machinery/kube-failure';
import { startControlLoop, type ControlLoop } from '../controllers/control-loop.ts';
import { podFinalizer } from '../controllers/pod-from-template.ts';
import {
  asPod,
  configMapType,
  isFinished,
  isTerminating,
  podType,
  secretType,
  uidOf,
  type Pod,
  type PodStatus,
} from '../controllers/workload.ts';
import { localCommand } from './local-container.ts';
import { mountVolumes } from './mounts.ts';
import { PodRunner } from './pod-runner.ts';

export interface SupervisorOptions {
  readonly api: KubeApi;
  readonly clock: Clock;
  readonly stateDir: string;
  /** Words of every container's command before its own, such as the runtimes' entry point. */
  readonly program: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly claims: ReadonlyMap<string, string>;
  readonly signal: AbortSignal;
  onError(error: unknown): void;
}

const fieldManager = 'millrace-play-supervisor';
const logsKept = 60;

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #runners = new Map<string, PodRunner>();
  readonly #endings = new Map<string, Promise<void>>();
  readonly #loop: ControlLoop;
  #isDraining = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#loop = startControlLoop({
      api: options.api,
      watched: [podType, configMapType, secretType],
      signal: options.signal,
      onError: (error) => options.onError(error),
      reconcile: async () => this.#sync(),
    });
  }

  /** Process ids by pod name, for fault tests and for people. */
  get pids(): ReadonlyMap<string, number> {
    return new Map(
      [...this.#runners.values()].flatMap((runner) =>
        runner.pid === undefined ? [] : [[runner.name, runner.pid] as const],
      ),
    );
  }

  /**
   * Ends every process politely and resolves when all are gone. No pod starts any more, and no
   * status is written: to the API this host has gone away, and the pods on it are not over.
   */
  async drain(reason: string): Promise<void> {
    this.#isDraining = true;
    await Promise.all([...this.#runners.values()].map(async (runner) => runner.end(reason)));
    await Promise.all(this.#endings.values());
  }

  killAll(): void {
    this.#isDraining = true;
    for (const runner of this.#runners.values()) runner.killNow();
  }

  /** Call after the signal has aborted. */
  async close(): Promise<void> {
    await this.#loop.ended;
    await this.drain('play has ended');
  }

  async #sync(): Promise<{ readonly againInMs?: number } | undefined> {
    const pods = (await this.#options.api.list(podType)).items.map(asPod);
    const known = new Set(pods.map(uidOf));
    for (const [uid, runner] of this.#runners) {
      if (known.has(uid)) continue;
      this.#endInBackground(uid, async () => {
        await runner.end('its pod object is gone');
        this.#runners.delete(uid);
      });
    }
    for (const pod of pods) await this.#syncPod(pod);
    await this.#clearLogs();
    return undefined;
  }

  async #syncPod(pod: Pod): Promise<void> {
    const runner = this.#runners.get(uidOf(pod));
    if (isTerminating(pod)) {
      this.#end(pod, runner);
      return;
    }
    if (isFinished(pod) || this.#isDraining) return;
    if (runner !== undefined) {
      // Files of a running pod follow their objects.
      if (!runner.isOver) await mountVolumes(pod, this.#mountOptions(pod));
      return;
    }
    await this.#start(pod);
  }

  #end(pod: Pod, runner: PodRunner | undefined): void {
    const uid = uidOf(pod);
    this.#endInBackground(uid, async () => {
      await runner?.end('its pod was deleted');
      this.#runners.delete(uid);
      await rm(this.#folderOf(pod), { recursive: true, force: true });
      await this.#letGo(pod);
    });
  }

  /** Other pods do not wait for a drain. */
  #endInBackground(uid: string, end: () => Promise<void>): void {
    if (this.#endings.has(uid)) return;
    const ending = end()
      .catch((error: unknown) => this.#options.onError(error))
      .finally(() => this.#endings.delete(uid));
    this.#endings.set(uid, ending);
  }

  async #letGo(pod: Pod): Promise<void> {
    const finalizers = pod.metadata.finalizers?.filter((name) => name !== podFinalizer) ?? [];
    await this.#ifStillThere(() =>
      this.#options.api.patch(podType, pod.metadata, {
        metadata: { uid: uidOf(pod), finalizers },
      }),
    );
  }

  async #start(pod: Pod): Promise<void> {
    const [container, ...others] = pod.spec.containers;
    const root = this.#folderOf(pod);
    await mkdir(root, { recursive: true, mode: 0o700 });
    const mounts = await mountVolumes(pod, this.#mountOptions(pod));
    if (!mounts.ok || container === undefined || others.length > 0) {
      const problem = mounts.ok
        ? { reason: 'CreateContainerConfigError', message: 'Play runs pods of one container.' }
        : mounts;
      await this.#reportWaiting(pod, container?.name ?? '', problem);
      return;
    }
    const terminationLog = join(root, 'termination-log');
    const paths = new Map([
      ...mounts.paths,
      [container.terminationMessagePath ?? '/dev/termination-log', terminationLog],
    ]);
    const { env, clock, program, cwd } = this.#options;
    const runner = new PodRunner({
      pod,
      container,
      command: localCommand(container, { paths, env }),
      program,
      cwd,
      clock,
      terminationLog,
      logFile: join(this.#logDir, `${pod.metadata.name}.log`),
      recordFile: join(root, 'process.json'),
      report: async (status) => this.#report(pod, status),
    });
    this.#runners.set(uidOf(pod), runner);
    runner.ended.catch((error: unknown) => this.#options.onError(error));
  }

  get #logDir(): string {
    return join(this.#options.stateDir, 'pods');
  }

  #folderOf(pod: Pod): string {
    return join(this.#options.stateDir, 'run', pod.metadata.name);
  }

  #mountOptions(pod: Pod) {
    const { api, claims } = this.#options;
    return { api, claims, root: this.#folderOf(pod) };
  }

  async #reportWaiting(
    pod: Pod,
    container: string,
    problem: { readonly reason: string; readonly message: string },
  ): Promise<void> {
    const waiting = { reason: problem.reason, message: problem.message };
    const known = pod.status?.containerStatuses?.[0]?.state.waiting;
    if (known?.reason === waiting.reason && known.message === waiting.message) return;
    await this.#report(pod, {
      phase: 'Pending',
      message: problem.message,
      containerStatuses: [{ name: container, ready: false, restartCount: 0, state: { waiting } }],
    });
  }

  async #report(pod: Pod, status: PodStatus): Promise<void> {
    if (this.#isDraining) return;
    const { apiVersion, kind, metadata } = pod;
    const { name, namespace } = metadata;
    await this.#ifStillThere(() =>
      this.#options.api.applyStatus(
        podType,
        { apiVersion, kind, metadata: { name, namespace, uid: uidOf(pod) }, status },
        { fieldManager, force: true },
      ),
    );
  }

  async #ifStillThere(write: () => Promise<unknown>): Promise<void> {
    try {
      await write();
    } catch (error) {
      const isGone =
        error instanceof KubeFailure && ['NotFound', 'Conflict'].includes(error.reason);
      if (!isGone) throw error;
    }
  }

  /** Logs outlive their pods, the most recent ones. */
  async #clearLogs(): Promise<void> {
    const names = await readdir(this.#logDir).catch(() => []);
    if (names.length <= logsKept) return;
    const files = await Promise.all(
      names.map(async (name) => {
        const path = join(this.#logDir, name);
        return {
          path,
          at: await stat(path).then(
            (stats) => stats.mtimeMs,
            () => 0,
          ),
        };
      }),
    );
    const oldest = files.toSorted((left, right) => left.at - right.at);
    for (const { path } of oldest.slice(0, names.length - logsKept))
      await rm(path, { force: true });
  }
}
