/** What play will not do, in words for the person who asked: printed without a stack, exit 1. */
export interface RefusedResource {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly error: string;
}

export class Refusal extends Error {
  /** The resources that it is about, where it is about resources. */
  readonly resources: readonly RefusedResource[];

  constructor(
    message: string,
    options: { readonly cause?: unknown; readonly resources?: readonly RefusedResource[] } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'Refusal';
    this.resources = options.resources ?? [];
  }
}
