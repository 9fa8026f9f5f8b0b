/**
 * One pod's life: start its container, probe it, start it again when the restart policy says so,
 * end it when asked, and report each change as the pod's status.
 *
 * States: starting → running → (backing off → running)* → over. `end` may come in any of them; it
 * asks with SIGTERM, kills after the grace period, and resolves when the process is gone and the
 * last status is written. Back-off doubles from half a second to ten, far less than a kubelet's,
 * since somebody is looking; a minute of life resets it.
 */
import { rm } from 'node:fs/promises';
import type { Clock } from '@millrace/kit/clock';
import type {
  Container,
  ContainerStatus,
  Pod,
  PodStatus,
  TerminatedState,
} from '../controllers/workload.ts';
import type { LocalCommand } from './local-container.ts';
import { podStatus, terminated } from './pod-status.ts';
import { runProbe } from './probe.ts';
import { boundLog, readTerminationLog, startProcess, type RunningProcess } from './process.ts';

export interface PodRunnerOptions {
  readonly pod: Pod;
  readonly container: Container;
  readonly command: LocalCommand;
  readonly program: readonly string[];
  readonly cwd: string;
  readonly logFile: string;
  readonly recordFile: string;
  readonly terminationLog: string;
  readonly clock: Clock;
  report(status: PodStatus): Promise<void>;
}

const restartBaseMs = 500;
const restartMaxMs = 10_000;
const healthyMs = 60_000;
const logBytesMax = 8 * 1_024 * 1_024;

export class PodRunner {
  readonly ended: Promise<void>;
  readonly #options: PodRunnerOptions;
  readonly #stop = new AbortController();
  #process: RunningProcess | undefined;
  #state: ContainerStatus['state'] = { waiting: { reason: 'ContainerCreating' } };
  #last: TerminatedState | undefined;
  #restartCount = 0;
  #isReady = false;
  #isOver = false;
  #disruption: string | undefined;
  #previous: PodStatus | undefined;
  #reports: Promise<void> = Promise.resolve();
  readonly #startedAt: string;

  constructor(options: PodRunnerOptions) {
    this.#options = options;
    this.#startedAt = new Date(options.clock.now()).toISOString();
    this.ended = this.#run();
  }

  get name(): string {
    return this.#options.pod.metadata.name;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** The reason marks an end that is not the container's doing. */
  async end(disruption: string): Promise<void> {
    this.#disruption ??= disruption;
    this.#stop.abort();
    await this.#terminate();
    await this.ended;
  }

  /** Kills at once; for the second Ctrl-C. */
  killNow(): void {
    this.#stop.abort();
    this.#process?.kill('SIGKILL');
  }

  async #run(): Promise<void> {
    for (let failures = 0; ;) {
      const startedMs = this.#options.clock.monotonic();
      const ending = await this.#runOnce();
      const canRestart = this.#isRestarted(ending) && !this.#stop.signal.aborted;
      if (!canRestart) break;
      failures = this.#options.clock.monotonic() - startedMs > healthyMs ? 0 : failures + 1;
      await this.#backOff(ending, failures);
      if (this.#stop.signal.aborted) break;
    }
    this.#isOver = true;
    await this.#report();
  }

  #isRestarted(ending: TerminatedState): boolean {
    const policy = this.#options.pod.spec.restartPolicy ?? 'Always';
    return policy === 'Always' || (policy === 'OnFailure' && ending.exitCode !== 0);
  }

  async #runOnce(): Promise<TerminatedState> {
    const { clock, terminationLog, logFile } = this.#options;
    await rm(terminationLog, { force: true });
    const startedAt = new Date(clock.now()).toISOString();
    this.#process = await startProcess(this.#options);
    this.#state = { running: { startedAt } };
    await this.#report();
    const watching = new AbortController();
    const probes = this.#probe(watching.signal);
    const bounding = setInterval(() => void boundLog(logFile, logBytesMax), 10_000);
    // Asked to end between the decision to start and the start itself.
    if (this.#stop.signal.aborted) void this.#terminate();
    const exit = await this.#process.exited;
    watching.abort();
    clearInterval(bounding);
    await probes;
    this.#process = undefined;
    this.#isReady = false;
    const finishedAt = new Date(clock.now()).toISOString();
    const message = await readTerminationLog(terminationLog);
    const ending = terminated(exit, { startedAt, finishedAt }, message);
    this.#state = { terminated: ending };
    return ending;
  }

  async #backOff(ending: TerminatedState, failures: number): Promise<void> {
    const waitMs = Math.min(restartBaseMs * 2 ** Math.max(0, failures - 1), restartMaxMs);
    this.#last = ending;
    this.#restartCount += 1;
    const message = `Starts again in ${String(waitMs)} ms; it ended with exit code ${String(ending.exitCode)}.`;
    this.#state = { waiting: { reason: 'CrashLoopBackOff', message } };
    await this.#report();
    await this.#options.clock.sleep(waitMs, this.#stop.signal);
  }

  /** Liveness is judged from the first readiness on: a start-up may take its time. */
  async #probe(signal: AbortSignal): Promise<void> {
    const { container, clock } = this.#options;
    const { readinessProbe, livenessProbe } = container;
    const started = Promise.withResolvers<void>();
    signal.addEventListener('abort', () => started.resolve(), { once: true });
    const becomeReady = async (): Promise<void> => {
      await this.#setReady(true);
      started.resolve();
    };
    const readiness =
      readinessProbe === undefined
        ? becomeReady()
        : runProbe({
            container,
            probe: readinessProbe,
            clock,
            signal,
            passed: becomeReady,
            failed: async () => this.#setReady(false),
          });
    await started.promise;
    if (livenessProbe !== undefined)
      await runProbe({
        container,
        probe: livenessProbe,
        clock,
        signal,
        passed: async () => undefined,
        failed: async () => this.#terminate(),
      });
    await readiness;
  }

  async #terminate(): Promise<void> {
    const running = this.#process;
    if (running === undefined) return;
    const graceMs = (this.#options.pod.spec.terminationGracePeriodSeconds ?? 30) * 1_000;
    running.kill('SIGTERM');
    const timer = setTimeout(() => running.kill('SIGKILL'), graceMs);
    await running.exited;
    clearTimeout(timer);
  }

  async #setReady(ready: boolean): Promise<void> {
    if (this.#isReady === ready) return;
    this.#isReady = ready;
    await this.#report();
  }

  /** One after the other, so that an earlier state never overwrites a later one. */
  async #report(): Promise<void> {
    const isDisrupted = this.#isOver && this.#state.terminated?.exitCode !== 0;
    const status = podStatus(
      {
        container: this.#options.container.name,
        startedAt: this.#startedAt,
        state: this.#state,
        last: this.#last,
        restartCount: this.#restartCount,
        ready: this.#isReady,
        isOver: this.#isOver,
        ...(isDisrupted && this.#disruption !== undefined ? { disruption: this.#disruption } : {}),
      },
      this.#previous,
      new Date(this.#options.clock.now()).toISOString(),
    );
    this.#previous = status;
    this.#reports = this.#reports.then(async () => this.#options.report(status));
    await this.#reports;
  }
}
