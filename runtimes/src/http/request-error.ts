import { Permanent } from '@millrace/kit/permanent';

export interface RequestErrorOptions {
  readonly status: number;
  /** From a closed catalogue of the service; clients decide by it. */
  readonly code: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

/**
 * This request can never be answered as it stands: the client must change it. The message is shown
 * to the client, so it names parameters and limits and never repeats a value.
 */
export class RequestError extends Permanent {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(message: string, options: RequestErrorOptions) {
    super(options.code, message, options.cause === undefined ? {} : { cause: options.cause });
    this.status = options.status;
    this.headers = options.headers ?? {};
  }
}

export function badRequest(code: string, message: string, cause?: unknown): RequestError {
  return new RequestError(message, { status: 400, code, cause });
}

export function notFound(message: string): RequestError {
  return new RequestError(message, { status: 404, code: 'NotFound' });
}
