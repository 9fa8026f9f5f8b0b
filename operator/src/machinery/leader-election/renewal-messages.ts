/** What the main thread and the renewing thread say to each other, as plain data. */
import type { Connection } from '../../kube/connection.ts';
import type { LeaseTimings } from './candidate.ts';

/** All that the renewing thread needs to work on its own. */
export interface RenewalOrder {
  readonly connection: Connection;
  readonly namespace: string;
  readonly name: string;
  readonly identity: string;
  readonly timings: LeaseTimings;
  readonly shared: SharedArrayBuffer;
}

export type RenewalReport =
  | { readonly type: 'leading'; readonly epoch: number }
  | { readonly type: 'lost'; readonly why: string }
  /** An attempt failed; the thread goes on. */
  | { readonly type: 'failed'; readonly why: string }
  | { readonly type: 'released' };

/** The only thing that the main thread says: give the Lease up and end. */
export const releaseRequest = 'release';
