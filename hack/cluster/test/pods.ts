/** Pods of one small image, and what tests ask about them. */
import { run } from '../../backends/command.ts';
import { kubectlEnvironment } from '../manifests.ts';
import type { Cluster } from '../node.ts';
import { busyboxImage } from './busybox-image.ts';

export interface PodOptions {
  readonly script: string;
  readonly container?: Readonly<Record<string, unknown>>;
  readonly spec?: Readonly<Record<string, unknown>>;
}

/** It runs the script; everything else as Kubernetes has it, unless told. */
export function pod(name: string, { script, container = {}, spec = {} }: PodOptions): unknown {
  const command = ['/bin/busybox', 'sh', '-c', script];
  const main = { name: 'main', image: busyboxImage, imagePullPolicy: 'Never', command };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app: name } },
    spec: { containers: [{ ...main, ...container }], terminationGracePeriodSeconds: 1, ...spec },
  };
}

export async function kubectl(
  { kubectl: file, kubeconfig }: Cluster,
  args: readonly string[],
  input?: string,
): Promise<string> {
  const env = { PATH: '', HOME: '/', ...kubectlEnvironment(kubeconfig) };
  return run(file, args, { env, ...(input === undefined ? {} : { input }) });
}

export async function apply(cluster: Cluster, ...objects: readonly unknown[]): Promise<void> {
  const list = { apiVersion: 'v1', kind: 'List', items: objects };
  await kubectl(cluster, ['apply', '--filename=-'], JSON.stringify(list));
}

/** Runs in the pod's container. */
export async function execute(cluster: Cluster, name: string, command: string): Promise<string> {
  return kubectl(cluster, ['exec', name, '--', '/bin/busybox', 'sh', '-c', command]);
}

interface ContainerStatus {
  readonly ready: boolean;
  readonly restartCount: number;
  readonly state: {
    readonly terminated?: { readonly reason?: string; readonly exitCode: number };
  };
}

/** Of the pod's one container, once there is one. */
export async function containerStatus(
  cluster: Cluster,
  name: string,
): Promise<ContainerStatus | undefined> {
  const text = await kubectl(cluster, ['get', 'pod', name, '--output=json']);
  const { status } = JSON.parse(text) as {
    readonly status: { readonly containerStatuses?: readonly ContainerStatus[] };
  };
  return status.containerStatuses?.[0];
}
