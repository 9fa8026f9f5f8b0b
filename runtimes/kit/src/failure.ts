/**
 * The three failure families, named after what the caller does about them.
 *
 * Connectors and adapters translate foreign errors into these once, by a table; everything above
 * them decides by family and code alone. A message says what was attempted on what. It never holds
 * a secret or a row's value, because messages travel into logs, status and HTTP bodies; the cause
 * keeps the foreign error for the log.
 */

export interface FailureOptions {
  readonly cause?: unknown;
  /** The dependency that failed, such as `postgres`; becomes part of conditions. */
  readonly backend?: string;
}

export interface TransientOptions extends FailureOptions {
  readonly retryAfterMs?: number;
}

export type FailureFamily = 'Transient' | 'Permanent' | 'Fault';

/** Base of the three families; `code` comes from a closed catalogue of the throwing package. */
export abstract class Failure extends Error {
  abstract readonly family: FailureFamily;
  readonly code: string;
  readonly backend: string | undefined;

  constructor(code: string, message: string, options: FailureOptions = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.backend = options.backend;
    this.name = new.target.name;
  }
}
