/** Where the admin port of a pod answers. */
import type { KubeObject } from '../kube-api.ts';
import type { PollTarget } from '../progress-poller.ts';
import { adminPort } from './pod-template.ts';

export type PodAddress = (
  pod: KubeObject,
) => { readonly host: string; readonly port: number } | undefined;

/** Undefined while the pod has no address. */
export const podAddress: PodAddress = (pod) => {
  const host = (pod['status'] as { podIP?: string } | undefined)?.podIP;
  return host === undefined || host === '' ? undefined : { host, port: adminPort };
};

export function pollTarget(
  pod: KubeObject | undefined,
  addressOf: PodAddress,
): PollTarget | undefined {
  const address = pod === undefined ? undefined : addressOf(pod);
  const id = pod?.metadata.uid;
  if (id === undefined || address === undefined) return undefined;
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  return { id, url: `http://${host}:${address.port}/progress` };
}
