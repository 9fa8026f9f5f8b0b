import { Failure } from './failure.ts';

/** Our bug: log it with its stack and end the process; whoever supervises it starts a new one. */
export class Fault extends Failure {
  readonly family = 'Fault';

  constructor(message: string, options: { readonly cause?: unknown } = {}) {
    super('Fault', message, options);
  }
}

/** Asserts a relationship that only a bug of ours can break. */
export function assert(claim: boolean, message: string): asserts claim {
  if (!claim) throw new Fault(message);
}
