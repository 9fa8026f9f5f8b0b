/**
 * A whole cluster on this host: a control plane and one node that runs containers (tier d).
 *
 *   await using cluster = await startCluster({ tier: 'd', stateDir, env: process.env, log });
 *   await cluster.loadImage('.millrace/images/operator.tar');
 *
 * Pods reach the host at `hostAddress` and nothing beyond it; the host reaches pods and Services by
 * their own addresses. Pods with hostPath volumes see the host's files, except below /usr, /run,
 * /var/lib and /var/log. It is shared and ended like every other cluster here.
 */
import { access } from 'node:fs/promises';

import { lastLines } from '../backends/command.ts';
import { startControlPlane, type ControlPlane, type ControlPlaneOptions } from './control-plane.ts';
import { canRunNode } from './host.ts';
import { insidePid } from './namespaces.ts';
import { importImage } from './node-images.ts';
import { recordedNetwork } from './start.ts';

export { canRunNode } from './host.ts';

export interface ClusterOptions extends ControlPlaneOptions {
  readonly tier: 'd';
}

export interface Cluster extends ControlPlane, AsyncDisposable {
  /** The host as pods see it. */
  readonly hostAddress: string;
  /** The node as the host and pods see it: node ports are there. */
  readonly nodeAddress: string;
  /** From an OCI archive, for pods with `imagePullPolicy: Never` or `IfNotPresent`. */
  loadImage(file: string): Promise<void>;
}

/** This host cannot run a node; its message says why. */
export class NoNode extends Error {}

export async function loadImage(
  { processes }: Pick<ControlPlane, 'processes'>,
  file: string,
): Promise<readonly string[]> {
  const holder = processes.find(({ role }) => role === 'node');
  if (holder === undefined) throw new Error('the cluster has no node to load an image into');
  await access(file);
  const pid = await insidePid(holder);
  return importImage(pid, file).catch((cause: unknown) => {
    const why = cause instanceof Error ? lastLines(cause.message, 1) : String(cause);
    throw new Error(`cannot load ${file}: ${why}`, { cause });
  });
}

export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const why = await canRunNode();
  if (why !== undefined) throw new NoNode(why);
  const plane = await startControlPlane(options);
  const { address, node } = recordedNetwork(plane.record);
  if (node === undefined) throw new Error('the cluster was started without a node');
  return {
    ...plane,
    hostAddress: node.hostAddress,
    nodeAddress: address,
    async loadImage(file) {
      await loadImage(plane, file);
    },
    async [Symbol.asyncDispose]() {
      await plane.stop();
    },
  };
}
