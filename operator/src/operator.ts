/**
 * The whole control plane, over any adapter of the `KubeApi` port; `play` runs it in its own process.
 *
 *     const operator = await startOperator({
 *       api, clock: systemClock, log, metrics,
 *       config: { runtimeImage: 'millrace-runtimes', namespaces: [], statusIntervalMs: 500 },
 *       podAddress: (pod) => ({ host: '127.0.0.1', port: portOf(pod) }),
 *     });
 *     await operator.stop();
 *
 * It resolves when the caches are filled. Without `lead` passes have begun by then; with it the
 * operator stands by, caches kept up to date, until `lead` resolves, and every write is fenced by
 * that leadership. When it is lost, passes end at once and `lost` resolves: the process must end,
 * for it cannot know what it still has in flight. `podAddress` says where the admin port
 * of a coordinator pod is reached (undefined: not yet); left out, the pod’s IP and port 9090 are used.
 * `stop` drains: passes in flight finish and no timer, watch or request is left. Everything it knows
 * is in the API, so it may be stopped, or killed, at any point and started again.
 */
import type { Clock } from '@millrace/kit/clock';
import type { Log } from '@millrace/kit/log';
import type { Metrics } from '@millrace/kit/metrics';
import { EventRecorder } from './machinery/events.ts';
import type { KubeApi, KubeObject } from './machinery/kube-api.ts';
import { Fence } from './machinery/leader-election/fence.ts';
import { fencedApi } from './machinery/leader-election/fenced-api.ts';
import { soleLeadership, type Leadership } from './machinery/leadership.ts';
import { Manager } from './machinery/manager.ts';
import { defaultPollLimits, type PollLimits } from './machinery/progress-poller.ts';
import { createTelemetry, type OperatorTelemetry } from './machinery/telemetry.ts';
import { Turn } from './machinery/leader-election/turn.ts';
import type { OperatorKind } from './machinery/kind.ts';
import { operatorKinds } from './registry.ts';
import type { KedaEndpoint } from './machinery/workload/scaling/autoscalers.ts';

export interface OperatorConfig {
  /** Image of every runtime pod. */
  readonly runtimeImage: string;
  /** Namespaces to work in; empty means all. */
  readonly namespaces: readonly string[];
  /** Least time between two status writes that only move figures; ten seconds by default. */
  readonly statusIntervalMs?: number;
  readonly pollLimits?: Partial<PollLimits>;
  /** Where KEDA finds how many workers are needed; without it KEDA cannot be used. */
  readonly keda?: KedaEndpoint | undefined;
}

export interface OperatorOptions {
  readonly api: KubeApi;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Made from log and metrics if left out; given by whoever reads it too. */
  readonly telemetry?: OperatorTelemetry;
  /** Resolves when this process leads; the signal aborts when the operator is stopped before. */
  readonly lead?: (signal: AbortSignal) => Promise<Leadership>;
  readonly config: OperatorConfig;
  /** Kinds to reconcile; all of the registry if left out. */
  readonly kinds?: readonly Pick<OperatorKind, 'controller'>[];
  readonly podAddress?: (
    pod: KubeObject,
  ) => { readonly host: string; readonly port: number } | undefined;
  readonly fetch?: typeof fetch;
}

export interface Operator {
  /** Resolves once no resource is queued or in flight; those that wait for a time do not count. */
  idle(): Promise<void>;
  /** Longest time any cache may have been out of date; readiness ends after two minutes of it. */
  staleMs(): number;
  /** Whether passes run here; a standby is not one. */
  isLeader(): boolean;
  /** Resolves when the leadership is lost and nothing is written any more; never on `stop`. */
  readonly lost: Promise<void>;
  stop(): Promise<void>;
}

const defaultStatusIntervalMs = 10_000;

export async function startOperator(options: OperatorOptions): Promise<Operator> {
  const { lead, clock, log, metrics, config } = options;
  const telemetry = options.telemetry ?? createTelemetry(log, metrics);
  const fence = new Fence();
  const api = lead === undefined ? options.api : fencedApi(options.api, fence);
  const manager = new Manager({ api, clock, namespaces: config.namespaces, telemetry, fence });
  addControllers(manager, options);
  const turn = new Turn({ manager, fence, telemetry });
  await manager.fill();
  if (lead === undefined) turn.begin(soleLeadership());
  else void turn.await(lead);
  return {
    idle: () => manager.idle(),
    staleMs: () => manager.staleMs,
    isLeader: () => fence.isValid(),
    lost: turn.lost,
    stop: () => turn.stop(),
  };
}

function addControllers(manager: Manager, options: OperatorOptions): void {
  const { api, clock, telemetry } = manager.options;
  const { config, podAddress, kinds = operatorKinds } = options;
  const events = new EventRecorder({
    api,
    clock,
    controller: 'millrace-operator',
    onFailure: (failure) => telemetry.eventNotWritten(failure),
  });
  for (const { controller } of kinds) {
    const spec = controller(manager, {
      image: config.runtimeImage,
      statusIntervalMs: config.statusIntervalMs ?? defaultStatusIntervalMs,
      pollLimits: { ...defaultPollLimits, ...config.pollLimits },
      fetch: options.fetch ?? fetch,
      events,
      keda: config.keda,
      ...(podAddress === undefined ? {} : { podAddress }),
    });
    manager.add(spec);
  }
}
