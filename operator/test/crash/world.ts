/** What a life of the operator needs of the world that its kind lives in. */
import type { KubeObject } from '../../src/machinery/kube-api.ts';
import type { MemoryApi } from '../../src/memory/memory-api.ts';
import type { Snapshot } from '../../src/memory/snapshot.ts';
import type { ManualClock } from '../manual-clock.ts';

export interface World {
  readonly save: () => Saved;
  readonly clock: ManualClock;
  readonly api: MemoryApi;
  /** What pods answer over HTTP; undefined stands for no answer. */
  readonly answer: (url: string) => object | undefined;
  /** Where the admin port of a pod is. */
  readonly podAddress: (pod: KubeObject) => { readonly host: string; readonly port: number };
}

/** A world as it was at one moment. */
export interface Saved {
  readonly snapshot: Snapshot;
  /**
   * A world of its own that goes on from there; as many as are asked for. Watches of it begin there
   * too: what was before is `Gone`.
   */
  readonly copy: () => World;
}
