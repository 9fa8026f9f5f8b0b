/** Answers as JSON; whatever goes wrong is a `Status`, which is what clients of the API read. */
export interface Reply {
  readonly code: number;
  readonly body: object;
}

export function ok(body: object): Reply {
  return { code: 200, body };
}

/** The reasons of the API that are used here, by their codes. */
const reasons = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  406: 'NotAcceptable',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
} as const;

export function refused(code: keyof typeof reasons, message: string): Reply {
  return {
    code,
    body: {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message,
      reason: reasons[code],
      code,
    },
  };
}
