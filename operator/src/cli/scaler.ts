/** Who scales the workers of a resource, as people call them. */
import type { ScalingStatus } from '@millrace/crds/scaling';

const scalers: Readonly<Record<ScalingStatus['driver'], string>> = {
  HPA: 'a HorizontalPodAutoscaler',
  KEDA: 'KEDA',
  Direct: 'the operator',
};

/** Undefined for a driver that a newer operator knows. */
export function scalerOf(scaling: Partial<ScalingStatus> | undefined): string | undefined {
  return scaling?.driver === undefined ? undefined : scalers[scaling.driver];
}

/** `3`, of the thousandths that autoscalers are told. */
export function workersNeeded({ needed = '' }: Partial<ScalingStatus>): number | undefined {
  const milli = Number.parseInt(needed, 10);
  return Number.isNaN(milli) ? undefined : Math.ceil(milli / 1_000);
}
