/** Why a request is not taken: one closed set of codes, with messages that repeat no key and no value. */
import { badRequest, RequestError } from '../../http/request-error.ts';
import { shown } from '../../http/request-target.ts';

export const invalidKey = (): RequestError => badRequest('BadKey', "missing or invalid 'key'");
export const invalidValue = (): RequestError =>
  badRequest('BadValue', "missing or invalid 'value'");

export function badJson(what: string, cause?: unknown): RequestError {
  return badRequest('BadJson', what, cause);
}

export const noItems = (): RequestError => badRequest('NoItems', 'the body holds no item');

export function unknownField(name: string): RequestError {
  return badRequest(
    'UnknownField',
    `unknown field ${shown(name)}; the fields are 'key' and 'value'`,
  );
}

export function duplicateField(name: string): RequestError {
  return badRequest('DuplicateField', `the field '${name}' is given twice`);
}

export function tooLarge(code: 'BodyTooLarge' | 'TooManyItems', message: string): RequestError {
  return new RequestError(message, { status: 413, code });
}

/** The same refusal, of one item of several. */
export function atItem(index: number, error: unknown): unknown {
  if (!(error instanceof RequestError)) return error;
  const { status, code, headers } = error;
  return new RequestError(`item ${index}: ${error.message}`, { status, code, headers });
}
