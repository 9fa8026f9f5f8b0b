/** A right resource of a kind. */
export interface Accepted {
  readonly what: string;
  /** Merge patch of the spec of the kind's example. */
  readonly patch: object;
}

/** A wrong resource of a kind and what is said of it, in memory and by a real server. */
export interface Refusal extends Accepted {
  /** All that is said in memory, where a field's description serves as the remedy. */
  readonly message: string;
  /** Word for word what kubectl shows of Kubernetes 1.35, under strict field validation. */
  readonly server: string;
}

/** A change that is refused though the result could have been created. */
export interface RefusedChange extends Refusal {
  /** Merge patch that makes the resource before the change out of the example. */
  readonly from?: object;
}
