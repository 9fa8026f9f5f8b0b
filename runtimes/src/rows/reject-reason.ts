/** Why a record is not a row. Closed, because people, metrics and tests match on these names. */
export const rejectReasons = [
  'NotAnInteger',
  'NotADecimal',
  'NotABoolean',
  'NotADate',
  'NotATimestamp',
  'NotAUuid',
  'NotJson',
  'NegativeEpoch',
  'OutOfRange',
  'TooPrecise',
  'InvalidEncoding',
  'NulByte',
  'Ragged',
  'RepeatedHeader',
  'UnclosedQuote',
  'RecordTooLong',
  'TooManyFields',
  'NullKey',
  'KeyTooLarge',
  'Constraint',
  'Refused',
  'KillsWorker',
] as const;

export type RejectReason = (typeof rejectReasons)[number];
