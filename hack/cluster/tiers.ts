/** Which programs make up each tier, and which tier can stand in for which. */
import type { RunningRecord } from '../backends/server-folder.ts';
import type { Tier } from './assets.ts';

const apiRoles = ['etcd', 'kube-apiserver'];
const controllerRoles = [...apiRoles, 'kube-controller-manager', 'kube-scheduler'];
const fakeRoles = [...controllerRoles, 'kwok'];
const nodeRoles = ['node', ...controllerRoles, 'containerd', 'kube-proxy', 'coredns', 'kubelet'];

/** The processes of a whole cluster of that tier. */
export const rolesOf: Readonly<Record<Tier, readonly string[]>> = {
  a: apiRoles,
  b: controllerRoles,
  c: fakeRoles,
  d: nodeRoles,
};

/** The highest tier first: each has a role that the lower ones lack. */
const marks: readonly (readonly [string, Tier])[] = [
  // The first of its processes, so that a node that is half there counts as one.
  ['node', 'd'],
  ['kwok', 'c'],
  ['kube-controller-manager', 'b'],
];

export function tierOf(record: RunningRecord): Tier {
  const roles = new Set(record.processes.map(({ role }) => role));
  return marks.find(([role]) => roles.has(role))?.[1] ?? 'a';
}

/** Whether a cluster of the one tier does all that is asked of the other. */
export function covers(running: Tier, asked: Tier): boolean {
  return rolesOf[asked].every((role) => rolesOf[running].includes(role));
}
