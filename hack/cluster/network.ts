/**
 * Which addresses a cluster uses. Without a node everything is on loopback. A node has a network
 * namespace of its own, joined to the host by one link; its number decides all its ranges, so that
 * clusters with different numbers run side by side.
 */

export interface Network {
  /** Where the API server listens and is found. */
  readonly address: string;
  readonly serviceRange: string;
  /** The first address of that range, by which pods know the API server. */
  readonly kubernetesAddress: string;
  readonly node?: NodeNetwork;
}

export interface NodeNetwork {
  readonly number: number;
  /** The host's end of the link: its name, and the address by which pods reach the host. */
  readonly link: string;
  readonly hostAddress: string;
  readonly podRange: string;
  readonly controlGroup: string;
}

export const loopback: Network = {
  address: '127.0.0.1',
  serviceRange: '10.96.0.0/16',
  kubernetesAddress: '10.96.0.1',
};

/** One byte of the address, and more than a host can run. */
export const nodeNumbersMax = 64;
export const nodeName = 'node1';

const linkPrefix = 'millrace';
const groupPrefix = 'millrace-node-';

export function nodeNetwork(number: number): Network & { readonly node: NodeNetwork } {
  const text = String(number);
  return {
    address: `10.231.${text}.2`,
    serviceRange: `10.96.${text}.0/24`,
    kubernetesAddress: `10.96.${text}.1`,
    node: {
      number,
      link: `${linkPrefix}${text}`,
      hostAddress: `10.231.${text}.1`,
      podRange: `10.244.${text}.0/24`,
      controlGroup: `${groupPrefix}${text}`,
    },
  };
}

/** The network of a cluster whose node has that control group, or of one without a node. */
export function networkOf(controlGroup: string | undefined): Network {
  if (controlGroup === undefined) return loopback;
  return nodeNetwork(Number(controlGroup.slice(groupPrefix.length)));
}
