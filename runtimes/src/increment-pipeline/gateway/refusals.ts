/**
 * Why a request is not answered as asked: the one closed set of codes, by which clients decide and by
 * which refusals are counted. Messages repeat no key and no value.
 */
import { Failure } from '@millrace/kit/failure';
import { Transient } from '@millrace/kit/transient';
import { RequestError } from '../../http/request-error.ts';
import { shown } from '../../http/request-target.ts';

/** The status of each; those that the HTTP layer answers by itself are not among them. */
export const answerCodes = {
  BadJson: 400,
  BadKey: 400,
  BadValue: 400,
  UnknownField: 400,
  DuplicateField: 400,
  NoItems: 400,
  BadIdempotencyKey: 400,
  IdempotencyOff: 400,
  BadParameter: 400,
  UnknownParameter: 400,
  RepeatedParameter: 400,
  BadLimit: 400,
  BadCursor: 400,
  BadUrl: 400,
  Unauthorized: 401,
  NotFound: 404,
  MethodNotAllowed: 405,
  RequestMismatch: 409,
  BodyTooLarge: 413,
  TooManyItems: 413,
  TooManyRequests: 429,
  Unavailable: 503,
  FateUnknown: 503,
  Overloaded: 503,
  BacklogTooLarge: 503,
  StreamsChanged: 503,
  NoTokens: 503,
} as const;
export type AnswerCode = keyof typeof answerCodes;

export function refuse(code: AnswerCode, message: string, cause?: unknown): RequestError {
  return new RequestError(message, { status: answerCodes[code], code, cause });
}

/** What the answer to this error says, as a label: codes of backends stay within. */
export function answerCode(error: unknown): AnswerCode | 'Internal' {
  if (!(error instanceof Failure)) return 'Internal';
  if (isAnswerCode(error.code) && error.backend === undefined) return error.code;
  return error instanceof Transient ? 'Unavailable' : 'Internal';
}

function isAnswerCode(code: string): code is AnswerCode {
  return Object.hasOwn(answerCodes, code);
}

export const invalidKey = (): RequestError => refuse('BadKey', "missing or invalid 'key'");
export const invalidValue = (): RequestError => refuse('BadValue', "missing or invalid 'value'");
export const noItems = (): RequestError => refuse('NoItems', 'the body holds no item');

export function badJson(what: string, cause?: unknown): RequestError {
  return refuse('BadJson', what, cause);
}

export function unknownField(name: string): RequestError {
  return refuse('UnknownField', `unknown field ${shown(name)}; the fields are 'key' and 'value'`);
}

export function duplicateField(name: string): RequestError {
  return refuse('DuplicateField', `the field '${name}' is given twice`);
}

/** The same refusal, of one item of several. */
export function atItem(index: number, error: unknown): unknown {
  if (!(error instanceof RequestError)) return error;
  const { status, code, headers } = error;
  return new RequestError(`item ${index}: ${error.message}`, { status, code, headers });
}
