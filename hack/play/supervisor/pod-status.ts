/** A pod's status from what its process did; pure, in the words a kubelet uses. */
import { constants } from 'node:os';
import type {
  ContainerStatus,
  PodCondition,
  PodStatus,
  TerminatedState,
} from '../controllers/workload.ts';
import { loopback } from './local-container.ts';

/** What became of the processes of a pod so far. */
export interface PodFacts {
  readonly container: string;
  readonly startedAt: string;
  readonly state: ContainerStatus['state'];
  readonly last: TerminatedState | undefined;
  readonly restartCount: number;
  readonly ready: boolean;
  /** Set when nothing will start again. */
  readonly isOver: boolean;
  /** Ended because of us, not by its own fault: a Job may ignore such an end. */
  readonly disruption?: string;
}

export function podStatus(
  facts: PodFacts,
  previous: PodStatus | undefined,
  now: string,
): PodStatus {
  const phase = phaseOf(facts);
  const condition = conditionWriter(previous, now);
  const hasStarted = facts.state.waiting === undefined || facts.restartCount > 0;
  return {
    phase,
    podIP: loopback,
    startTime: facts.startedAt,
    conditions: [
      condition('PodScheduled', true),
      condition('Initialized', true),
      condition('ContainersReady', facts.ready),
      condition('Ready', facts.ready),
      ...(facts.disruption === undefined
        ? []
        : [
            {
              ...condition('DisruptionTarget', true),
              reason: 'TerminationByKubelet',
              message: facts.disruption,
            },
          ]),
    ],
    containerStatuses: [
      {
        name: facts.container,
        ready: facts.ready,
        restartCount: facts.restartCount,
        state: facts.state,
        ...(facts.last === undefined ? {} : { lastState: { terminated: facts.last } }),
      },
    ],
    ...(hasStarted || facts.state.waiting?.message === undefined
      ? {}
      : { message: facts.state.waiting.message }),
  };
}

function phaseOf(facts: PodFacts): NonNullable<PodStatus['phase']> {
  if (facts.isOver) return facts.state.terminated?.exitCode === 0 ? 'Succeeded' : 'Failed';
  const isWaiting = facts.state.waiting !== undefined && facts.restartCount === 0;
  return isWaiting ? 'Pending' : 'Running';
}

function conditionWriter(previous: PodStatus | undefined, now: string) {
  return (type: string, holds: boolean): PodCondition => {
    const status = holds ? 'True' : 'False';
    const before = previous?.conditions?.find((condition) => condition.type === type);
    const since = before?.status === status ? before.lastTransitionTime : undefined;
    return { type, status, lastTransitionTime: since ?? now };
  };
}

/** An end by signal n reads as exit code 128 + n, as container runtimes report it. */
export function terminated(
  exit: { readonly code: number | null; readonly signal: NodeJS.Signals | null },
  times: { readonly startedAt: string; readonly finishedAt: string },
  message: string,
): TerminatedState {
  const signal = exit.signal === null ? undefined : constants.signals[exit.signal];
  const exitCode = exit.code ?? 128 + (signal ?? 0);
  return {
    exitCode,
    ...(signal === undefined ? {} : { signal }),
    reason: exitCode === 0 ? 'Completed' : 'Error',
    ...(message === '' ? {} : { message }),
    ...times,
  };
}
