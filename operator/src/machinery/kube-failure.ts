/** A refusal of the API, by the API's own reason; what to do about each is the caller's. */
export type KubeReason =
  | 'NotFound'
  | 'AlreadyExists'
  | 'Conflict'
  | 'Invalid'
  | 'Gone'
  | 'Forbidden'
  | 'Unauthorized'
  | 'TooManyRequests'
  | 'ServerTimeout'
  /** No answer in time: whether the call took effect is unknown. */
  | 'Timeout'
  | 'Unavailable'
  | 'InternalError';

export class KubeFailure extends Error {
  readonly reason: KubeReason;
  readonly retryAfterMs: number | undefined;

  constructor(
    reason: KubeReason,
    message: string,
    options: { readonly cause?: unknown; readonly retryAfterMs?: number } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'KubeFailure';
    this.reason = reason;
    this.retryAfterMs = options.retryAfterMs;
  }
}
