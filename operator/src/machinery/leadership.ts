/** What holding the Lease means to those who write. The elector gives it; `play` has none to give. */
export interface Leadership {
  /** `leaseTransitions` of the Lease while it is ours: higher for every later leader. */
  readonly epoch: number;
  /** Whether a write that begins now is still covered by the Lease. */
  isValid(): boolean;
  /** Aborts when the Lease is lost or given up; every write in flight ends with it. */
  readonly lost: AbortSignal;
}

/**
 * For a control plane of which there is one by construction, such as the one in `play`. Each gets its
 * own: a signal that all share would keep every operator that ever listened to it in memory.
 */
export function soleLeadership(): Leadership {
  return { epoch: 0, isValid: () => true, lost: new AbortController().signal };
}
