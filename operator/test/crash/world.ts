/** What a life of the operator needs of the world that its kind lives in. */
import type { KubeObject } from '../../src/machinery/kube-api.ts';
import type { MemoryApi } from '../../src/memory/memory-api.ts';
import type { ManualClock } from '../manual-clock.ts';

export interface World {
  /** A world of its own that goes on from here. */
  readonly copy: () => World;
  readonly clock: ManualClock;
  readonly api: MemoryApi;
  /** What pods answer over HTTP; undefined stands for no answer. */
  readonly answer: (url: string) => object | undefined;
  /** Where the admin port of a pod is. */
  readonly podAddress: (pod: KubeObject) => { readonly host: string; readonly port: number };
}
