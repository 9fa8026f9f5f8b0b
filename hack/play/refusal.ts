/** What play will not do, in words for the person who asked: printed without a stack, exit 1. */
export class Refusal extends Error {
  constructor(message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'Refusal';
  }
}
