/** Which endpoints a Service's port leads to: ready pods that match, at their own port numbers. */
import type { KubeObject } from '@millrace/operator/machinery/kube-api';
import { isFinished, isReady, isTerminating, matches, type Pod } from './workload.ts';

export interface ServicePort {
  readonly name?: string;
  readonly port: number;
  readonly targetPort?: number | string;
}

export interface Service extends KubeObject {
  readonly spec: {
    readonly selector?: Readonly<Record<string, string>>;
    readonly ports?: readonly ServicePort[];
  };
}

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export function endpointsOf(
  service: Service,
  port: ServicePort,
  pods: readonly Pod[],
): readonly Endpoint[] {
  const { selector } = service.spec;
  if (selector === undefined) return [];
  return pods
    .filter((pod) => pod.metadata.namespace === service.metadata.namespace)
    .filter((pod) => matches(pod.metadata.labels, selector))
    .filter((pod) => isReady(pod) && !isTerminating(pod) && !isFinished(pod))
    .flatMap((pod) => {
      const target = targetOf(pod, port);
      const host = pod.status?.podIP;
      return target === undefined || host === undefined ? [] : [{ host, port: target }];
    });
}

function targetOf(pod: Pod, port: ServicePort): number | undefined {
  const wanted = port.targetPort ?? port.port;
  if (typeof wanted === 'number') return wanted;
  return pod.spec.containers
    .flatMap((container) => container.ports ?? [])
    .find((candidate) => candidate.name === wanted)?.containerPort;
}
