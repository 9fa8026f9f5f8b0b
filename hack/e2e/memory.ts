/** What pods take, as the kubelet counts it: the working set, which is what `kubectl top` shows. */
import { kubectl } from './suite.ts';

interface Summary {
  readonly pods: readonly {
    readonly podRef: { readonly name: string; readonly namespace: string };
    readonly containers?: readonly {
      readonly memory?: { readonly workingSetBytes?: number; readonly rssBytes?: number };
    }[];
  }[];
}

export interface PodMemory {
  readonly namespace: string;
  readonly name: string;
  readonly workingSetMiB: number;
  /** Without what is mapped from files. */
  readonly rssMiB: number;
}

const mebibyte = 1_048_576;

/** Of pods that have been measured; the kubelet looks every ten seconds. */
export async function podMemory(): Promise<readonly PodMemory[]> {
  const text = await kubectl(['get', '--raw', '/api/v1/nodes/node1/proxy/stats/summary']);
  const { pods } = JSON.parse(text) as Summary;
  return pods.flatMap(({ podRef, containers = [] }) => {
    const sum = (of: 'workingSetBytes' | 'rssBytes'): number =>
      containers.reduce((bytes, { memory }) => bytes + (memory?.[of] ?? 0), 0) / mebibyte;
    const workingSetMiB = sum('workingSetBytes');
    const { namespace, name } = podRef;
    return workingSetMiB > 0 ? [{ namespace, name, workingSetMiB, rssMiB: sum('rssBytes') }] : [];
  });
}
