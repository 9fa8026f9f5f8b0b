/**
 * From a column's description to what writes its fields: NULL first, then the type.
 *
 * A field is NULL if it is one of the column's `nullValues`, byte for byte, or if it is empty and
 * the type is not text. Whether a NULL may be stored is for the key and the table to say.
 */
import { Fault } from '@millrace/kit/fault';
import type { FieldBytes, FieldEncoder } from './field-encoder.ts';
import { decimalEncoder } from './decimal.ts';
import { bigintEncoder, integerEncoder } from './integer.ts';
import { encodeBoolean, encodeJson, encodeJsonb, encodeText, encodeUuid } from './scalar.ts';
import {
  patternDateEncoder,
  patternTimestampEncoder,
  timePattern,
  type TimePattern,
} from './time-pattern.ts';
import { dateEncoder, epochEncoder, isEpochUnit, rfc3339Encoder } from './timestamp.ts';

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
  if (format !== undefined && isEpochUnit(format)) {
    return epochEncoder(format, { allowNegative: column.allowNegative === true });
  }
  return patternTimestampEncoder(patternOf(column));
}

/** What is wrong with the column's format and what to write instead; undefined if nothing is. */
export function formatProblem(column: ColumnTyping): string | undefined {
  const { name, type, format } = column;
  if (format === undefined) return undefined;
  if (type !== 'date' && type !== 'timestamp') {
    return `columns.${name}.format is for date and timestamp; remove it from a ${type}.`;
  }
  if (format === 'RFC3339') return undefined;
  if (type === 'timestamp' && isEpochUnit(format)) return undefined;
  return timePattern(format) === undefined
    ? `columns.${name}.format is no pattern: use yyyy, MM and dd once each, with HH, mm, ss and SSS as needed.`
    : undefined;
}

function patternOf(column: ColumnTyping): TimePattern {
  const pattern = timePattern(column.format ?? '');
  if (pattern !== undefined) return pattern;
  throw new Fault(formatProblem(column) ?? 'A column without a pattern was read by one.');
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
