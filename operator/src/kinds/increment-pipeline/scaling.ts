/**
 * How many workers are wanted, and why. Pure.
 *
 * As long as this process has heard no report there stay as many as there are: what an earlier process
 * had written down may be older than what it did, and a wrong guess would stop workers for the time of
 * one question.
 */
import type {
  IncrementPipelineSpec,
  IncrementPipelineStatus,
} from '@millrace/crds/increment-pipeline';
import type { Recommendation } from '@millrace/crds/scaling';
import { presentReplicas } from '../../machinery/workload/scaled.ts';
import { recommend } from '../../scaling/recommend.ts';
import { flushOf, partitionsOf, workerBounds } from './children/config-map.ts';
import type { Observed } from './observed.ts';
import type { Stopping } from './stopping.ts';

export interface WorkersWanted {
  readonly replicas: number;
  readonly reason: string;
  /** The number is what the cache shows, and nobody has asked for it. */
  readonly isGuess: boolean;
  readonly recommendation: Recommendation | undefined;
}

export interface ScalingInput {
  readonly spec: IncrementPipelineSpec;
  readonly observed: Observed;
  readonly stopping: Stopping;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export function workersWanted(input: ScalingInput): WorkersWanted {
  const { spec, observed, stopping } = input;
  const none = whyNone(stopping);
  if (none !== undefined) {
    return { replicas: 0, reason: none, isGuess: false, recommendation: undefined };
  }
  const { min, max } = workerBounds(spec);
  const present = presentReplicas(observed.owner, observed.children.worker);
  if (observed.isRemembered || observed.progress === undefined) {
    return {
      replicas: Math.max(min, Math.min(present, max)),
      reason: 'no pod has reported yet',
      isGuess: present >= min && present <= max,
      recommendation: observed.status?.recommendation,
    };
  }
  const recommendation = recommended(input, present);
  const reason = [...recommendation.bounds.slice(0, 1), recommendation.why].join('; ');
  return { replicas: recommendation.wanted, reason, isGuess: false, recommendation };
}

function whyNone(stopping: Stopping): string | undefined {
  switch (stopping) {
    case 'NeverStarted':
      return 'nothing was ever started';
    case 'WorkersStopping':
    case 'Drained':
      return 'everything accepted is committed';
    case 'Purging':
    case 'Purged':
      return 'the pipeline is deleted with Purge';
    default:
      return undefined;
  }
}

function recommended({ spec, observed, now }: ScalingInput, present: number): Recommendation {
  const { progress, recommendation } = observed;
  // With a backend away sums grow old whatever the number of workers.
  const isAway = progress?.backends.some(({ ok }) => !ok) === true;
  return recommend({
    inputs: {
      arrivalPerSecond: progress?.rates.acceptedPerSecond,
      perWorkerPerSecond: progress?.rates.perWorkerPerSecond,
      backlog: progress?.backlog.increments,
      oldestAgeSeconds: isAway ? undefined : seconds(progress?.stalenessMs),
      objectiveSeconds: seconds(flushOf(spec).staleAfterMs),
      startSeconds: startSeconds(observed.pods.workers),
      usefulMax: partitionsOf(spec),
    },
    bounds: workerBounds(spec),
    present,
    previous: recommendation ?? remembered(observed.status, present),
    now,
  });
}

/**
 * What an earlier process wrote down may be older than what it did: what there is counts, unless
 * others act upon what is written.
 */
function remembered(
  status: IncrementPipelineStatus | undefined,
  present: number,
): Recommendation | undefined {
  const held = status?.recommendation;
  const isFollowed = (status?.scaling?.driver ?? 'Direct') !== 'Direct';
  return held === undefined || isFollowed ? held : { ...held, wanted: present };
}

/** Longer is hardly a start: a pod that was unready for a while became ready late. */
const startSecondsMax = 60;

/** Of the quickest: what others took longer may be no start either. */
function startSeconds(workers: Observed['pods']['workers']): number | undefined {
  const known = workers.flatMap((pod) => pod.startSeconds ?? []);
  return known.length === 0 ? undefined : Math.min(startSecondsMax, ...known);
}

function seconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1_000;
}
