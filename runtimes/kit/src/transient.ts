import { Failure, type TransientOptions } from './failure.ts';

/** The world is in the way: back off in place and try again. Never a reason to drop work. */
export class Transient extends Failure {
  readonly family = 'Transient';
  readonly retryAfterMs: number | undefined;

  constructor(code: string, message: string, options: TransientOptions = {}) {
    super(code, message, options);
    this.retryAfterMs = options.retryAfterMs;
  }
}
