/**
 * Which driver brings the number of workers about: what the resource asks for, and what the cluster
 * has. Pure.
 *
 * Work always goes on. A driver that was asked for and that the cluster does not have is replaced by
 * Direct, and the condition AutoscalingReady says so and what to do. An external metrics API of ours
 * that is away for less than a minute changes nothing: an autoscaler without a metric leaves the
 * number as it is, which is what an upgrade of that API needs.
 */
import type { ScalingDriver, ScalingSpec } from '@millrace/crds/scaling';
import type { ClusterScaling } from './cluster-scaling.ts';

export type ScalingReason =
  | 'Direct'
  | 'HPA'
  | 'KEDA'
  | 'ExternalMetricsTaken'
  | 'MetricsUnavailable'
  | 'KedaNotInstalled'
  | 'NameTooLong';

export interface DriverChoice {
  readonly driver: ScalingDriver;
  readonly reason: ScalingReason;
  readonly message: string;
  /** Whether it is what was asked for. */
  readonly isReady: boolean;
  /** When to choose again though nothing has changed. */
  readonly lookAgainMs?: number;
}

/** What a label may hold; the metric of a resource is selected by its name. */
const labelCharactersMax = 63;

export interface DriverInput {
  readonly asked: ScalingSpec | undefined;
  /** Name of the resource. */
  readonly name: string;
  readonly cluster: ClusterScaling;
}

export function chooseDriver({ asked, name, cluster }: DriverInput): DriverChoice {
  const wanted = asked?.driver ?? 'Auto';
  if (wanted === 'Direct') return direct('The operator scales the workers: spec.scaling.driver.');
  const choice = wanted === 'KEDA' ? keda(cluster) : hpa(cluster);
  if (choice.isReady && name.length > labelCharactersMax) return tooLong(wanted);
  return wanted === 'Auto' && !choice.isReady ? auto(cluster, choice) : choice;
}

function direct(message: string): DriverChoice {
  return { driver: 'Direct', reason: 'Direct', message, isReady: true };
}

/** The work goes on; somebody asked for more than the cluster has. */
function instead(reason: ScalingReason, why: string): DriverChoice {
  const message = `${why} Until then the operator scales the workers itself.`;
  return { driver: 'Direct', reason, message, isReady: false };
}

function hpa({ externalMetrics }: ClusterScaling): DriverChoice {
  switch (externalMetrics.owner) {
    case 'None':
      return instead(
        'MetricsUnavailable',
        'There is no APIService v1beta1.external.metrics.k8s.io, or the operator may not read it: install the metrics API of Millrace (metricsApi.enabled of its chart).',
      );
    case 'Millrace':
      return ownHpa(externalMetrics);
    default:
      return taken(externalMetrics);
  }
}

function ownHpa({ awayForMs, graceMs }: ClusterScaling['externalMetrics']): DriverChoice {
  const asItIs = {
    driver: 'HPA',
    reason: 'HPA',
    message:
      'A HorizontalPodAutoscaler scales the workers by the metric millrace-workers-needed, which is status.scaling.needed.',
    isReady: true,
  } as const;
  if (awayForMs === undefined) return asItIs;
  if (awayForMs < graceMs) return { ...asItIs, lookAgainMs: graceMs - awayForMs };
  return instead(
    'MetricsUnavailable',
    'The metrics API of Millrace does not answer: kubectl describe apiservice v1beta1.external.metrics.k8s.io says why.',
  );
}

function taken({ service }: ClusterScaling['externalMetrics']): DriverChoice {
  return instead(
    'ExternalMetricsTaken',
    `The external metrics API of this cluster is that of ${service}, which Millrace never takes over. Set spec.scaling.driver to Auto or Direct, or remove that API.`,
  );
}

function keda({ externalMetrics, isKedaServed, hasEndpoint }: ClusterScaling): DriverChoice {
  if (!isKedaServed) {
    return instead(
      'KedaNotInstalled',
      'This cluster serves no ScaledObject: install KEDA, or set spec.scaling.driver to Auto.',
    );
  }
  if (externalMetrics.owner !== 'KEDA') return taken(externalMetrics);
  if (!hasEndpoint) {
    return instead(
      'MetricsUnavailable',
      'The operator was not told where the metrics API of Millrace is, which KEDA is to ask: set keda.metricsUrl of its configuration.',
    );
  }
  return {
    driver: 'KEDA',
    reason: 'KEDA',
    message: 'A ScaledObject of KEDA scales the workers by status.scaling.needed.',
    isReady: true,
  };
}

/** What is left where the metrics API is not ours, or does not answer. */
function auto(cluster: ClusterScaling, own: DriverChoice): DriverChoice {
  const { owner, service } = cluster.externalMetrics;
  // Ours and away is a fault that somebody should see; that there is none, or another, is a choice.
  if (owner === 'Millrace') return own;
  const other = keda(cluster);
  if (other.isReady) return other;
  return direct(
    owner === 'None'
      ? 'The operator scales the workers: this cluster has no external metrics API that it may read.'
      : `The operator scales the workers: the external metrics API of this cluster is that of ${service}.`,
  );
}

function tooLong(asked: 'Auto' | 'HPA' | 'KEDA'): DriverChoice {
  if (asked === 'Auto') {
    return direct(`The operator scales the workers: ${tooLongWhy}.`);
  }
  return instead('NameTooLong', `No autoscaler can be used: ${tooLongWhy}. Use a shorter name.`);
}

const tooLongWhy = `the name of the resource has more than ${labelCharactersMax} characters, and metrics are selected by it`;
