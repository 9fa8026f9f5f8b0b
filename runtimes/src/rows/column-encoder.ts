/**
 * From a column's description to what writes its fields: NULL first, then the type.
 *
 * A field is NULL if it is one of the column's `nullValues`, byte for byte, or if it is empty and
 * the type is not text. Whether a NULL may be stored is for the key and the table to say.
 */
import { Permanent } from '@millrace/kit/permanent';
import type { FieldBytes, FieldEncoder } from './field-encoder.ts';
import { decimalEncoder } from './decimal.ts';
import { bigintEncoder, integerEncoder } from './integer.ts';
import { encodeBoolean, encodeJson, encodeJsonb, encodeText, encodeUuid } from './scalar.ts';
import { patternDateEncoder, patternTimestampEncoder, timePattern } from './time-pattern.ts';
import { dateEncoder, epochEncoder, rfc3339Encoder } from './timestamp.ts';

export type ColumnType =
  | 'text'
  | 'integer'
  | 'bigint'
  | 'decimal'
  | 'boolean'
  | 'date'
  | 'timestamp'
  | 'uuid'
  | 'json';

export interface ColumnTyping {
  readonly name: string;
  readonly type: ColumnType;
  /** For date and timestamp: RFC3339, an epoch unit, or a pattern. */
  readonly format?: string;
  readonly nullValues?: readonly string[];
  readonly allowNegative?: boolean;
  /** Digits after the point that the table's column keeps; a decimal with more is refused. */
  readonly scale?: number;
  /** The table's column is jsonb, whose binary form differs from json's. */
  readonly isJsonb?: boolean;
}

export function typeEncoder(column: ColumnTyping): FieldEncoder {
  switch (column.type) {
    case 'text':
      return encodeText;
    case 'integer':
      return integerEncoder();
    case 'bigint':
      return bigintEncoder();
    case 'decimal':
      return decimalEncoder(column.scale);
    case 'boolean':
      return encodeBoolean;
    case 'uuid':
      return encodeUuid;
    case 'json':
      return column.isJsonb ? encodeJsonb : encodeJson;
    case 'date':
      return dateColumnEncoder(column);
    case 'timestamp':
      return timestampEncoder(column);
  }
}

function hasDefaultFormat(column: ColumnTyping): boolean {
  return column.format === undefined || column.format === 'RFC3339';
}

function dateColumnEncoder(column: ColumnTyping): FieldEncoder {
  return hasDefaultFormat(column) ? dateEncoder() : patternDateEncoder(patternOf(column));
}

function timestampEncoder(column: ColumnTyping): FieldEncoder {
  if (hasDefaultFormat(column)) return rfc3339Encoder();
  const { format } = column;
  if (format === 'EpochSeconds' || format === 'EpochMillis' || format === 'EpochMicros') {
    return epochEncoder(format, { allowNegative: column.allowNegative === true });
  }
  return patternTimestampEncoder(patternOf(column));
}

function patternOf(column: ColumnTyping): ReturnType<typeof requirePattern> {
  return requirePattern(column.format ?? '', column.name);
}

function requirePattern(format: string, name: string) {
  const pattern = timePattern(format);
  if (pattern !== undefined) return pattern;
  throw new Permanent(
    'BadFormat',
    `columns.${name}.format is no pattern: use yyyy, MM and dd once each, with HH, mm, ss and SSS as needed.`,
  );
}

/** True if the field means NULL. */
export type NullTest = (field: FieldBytes) => boolean;

export function nullTest(column: ColumnTyping): NullTest {
  const spellings = (column.nullValues ?? []).map((text) => Buffer.from(text));
  const isEmptyNull = column.type !== 'text';
  if (spellings.length === 0) return (field) => isEmptyNull && field.start === field.end;
  return (field) => {
    const length = field.end - field.start;
    if (length === 0 && isEmptyNull) return true;
    return spellings.some(
      (spelling) => spelling.length === length && equalsAt(field.bytes, field.start, spelling),
    );
  };
}

export function equalsAt(bytes: Buffer, start: number, expected: Buffer): boolean {
  for (let index = 0; index < expected.length; index += 1) {
    if (bytes[start + index] !== expected[index]) return false;
  }
  return true;
}
