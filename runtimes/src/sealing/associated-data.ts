/**
 * What a sealed value is bound to: table, column and row key, each behind its length, so that no two
 * different places have the same bytes. A value that is moved to another row, column or table cannot
 * be opened there.
 *
 * Key values are in Postgres' binary form, as a COPY sends them and as `…send()` functions return
 * them. Decimals are brought to one form first, because equal ones (1.0 and 1.00) may be stored with
 * either number of digits.
 */
import type { ColumnType } from '../rows/column-encoder.ts';

const lengthBytes = 4;

/** Length and bytes of each part. */
export function lengthPrefixed(...parts: readonly Uint8Array[]): Buffer {
  return Buffer.concat(
    parts.flatMap((part) => {
      const length = Buffer.alloc(lengthBytes);
      length.writeUInt32BE(part.length);
      return [length, part];
    }),
  );
}

/** The part that all rows of a column share. */
export function columnPlace(table: string, column: string): Buffer {
  return lengthPrefixed(Buffer.from(table), Buffer.from(column));
}

/** Where a reject's raw bytes belong. No target is called `…_rejects`, so no column is there too. */
export function rejectPlace(table: string, importUid: string, recordOffset: number): Buffer {
  const offset = Buffer.alloc(8);
  offset.writeBigUInt64BE(BigInt(recordOffset));
  const uid = Buffer.from(importUid.replaceAll('-', ''), 'hex');
  return lengthPrefixed(Buffer.from(`${table}_rejects`), Buffer.from('raw'), uid, offset);
}

export interface KeyPart {
  readonly type: ColumnType;
  readonly bytes: Uint8Array;
}

/** The associated data of one value. */
export function valuePlace(place: Buffer, key: readonly KeyPart[]): Buffer {
  return Buffer.concat([place, lengthPrefixed(...key.map(canonicalPart))]);
}

export function canonicalPart({ type, bytes }: KeyPart): Uint8Array {
  return type === 'decimal' ? canonicalDecimal(bytes) : bytes;
}

const decimalHeaderBytes = 8;
const scaleAt = 6;

/** Without trailing zero digits and without the number of digits that are shown. */
function canonicalDecimal(bytes: Uint8Array): Uint8Array {
  const copy = Buffer.from(bytes);
  let digits = copy.readUInt16BE(0);
  while (digits > 0 && copy.readUInt16BE(decimalHeaderBytes + (digits - 1) * 2) === 0) digits -= 1;
  copy.writeUInt16BE(digits, 0);
  if (digits === 0) copy.writeUInt16BE(0, 2);
  copy.writeUInt16BE(0, scaleAt);
  return copy.subarray(0, decimalHeaderBytes + digits * 2);
}
