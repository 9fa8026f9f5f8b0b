/**
 * Turns parsed records into typed rows of a batch, or says why not and in which column.
 *
 * Row layout: the columns in table order, then, if wanted, the position. The encoder allocates
 * nothing per record: fields are read through one reused view, decoded ones through one scratch
 * buffer. A refused record leaves the batch as it was.
 */
import { fieldBytes, invalidEncoding, type Fields } from '../csv/field-text.ts';
import { decodeFlag } from '../csv/record-reader.ts';
import { nullTest, typeEncoder, type ColumnTyping, type NullTest } from './column-encoder.ts';
import { fieldOverheadBytes, type FieldBytes, type FieldEncoder } from './field-encoder.ts';
import type { RejectReason } from './reject-reason.ts';
import type { RowBatch } from './row-batch.ts';
import { RowSeals, type KeyField } from './row-seals.ts';
import type { Sealer } from '../sealing/sealer.ts';

export interface SourceRecord extends Fields {
  readonly offset: number;
  readonly start: number;
  readonly end: number;
  readonly line: number;
}

export interface EncodedColumn extends ColumnTyping {
  /** Which field of the record. */
  readonly index: number;
  readonly sealed?: boolean;
  /** A blind index of the sealed value follows behind the columns. */
  readonly searchable?: boolean;
}

export interface RowEncoderOptions {
  readonly columns: readonly EncodedColumn[];
  /** Names of the key columns, in key order. */
  readonly key: readonly string[];
  /** Fields a record must have. */
  readonly width: number;
  /** A record whose fields are exactly these is a repeated header. */
  readonly header?: readonly string[];
  /** The high part of the position; without it rows have no position. */
  readonly sequence?: number;
  /** The table, to which sealed values are bound; needed where a column is sealed. */
  readonly table?: string;
}

export interface Refusal {
  readonly reason: RejectReason;
  readonly column?: string;
}

interface ColumnStep {
  readonly index: number;
  readonly name: string;
  readonly isNull: NullTest;
  readonly encode: FieldEncoder;
  readonly isKey: boolean;
  /** Which of the sealed columns it is; -1 for none. */
  readonly sealedAt: number;
}

/** Bits of a position that hold the record's offset: files up to 8 TiB, a million imports a table. */
export const positionOffsetBits = 43;
const positionHighFactor = 2 ** (positionOffsetBits - 32);
const two32 = 0x1_0000_0000;

/** The smallest position of an import: its sequence number in the high bits. */
export function basePosition(sequence: number): bigint {
  return BigInt(sequence) << BigInt(positionOffsetBits);
}

export class RowEncoder {
  readonly #steps: readonly ColumnStep[];
  readonly #keySteps: readonly { readonly step: number; readonly type: ColumnTyping['type'] }[];
  readonly #width: number;
  readonly #header: readonly Buffer[] | undefined;
  readonly #sequence: number | undefined;
  readonly #fieldCount: number;
  readonly #fieldStarts: Int32Array;
  readonly #seals: RowSeals | undefined;
  readonly #field: FieldBytes = { bytes: Buffer.alloc(0), start: 0, end: 0 };
  #scratch = Buffer.allocUnsafeSlow(4096);

  constructor(options: RowEncoderOptions) {
    const { columns, key } = options;
    const sealed = columns.filter((column) => column.sealed === true);
    this.#steps = columns.map((column) => ({
      index: column.index,
      name: column.name,
      isNull: nullTest(column),
      encode: typeEncoder(column),
      isKey: key.includes(column.name),
      sealedAt: sealed.indexOf(column),
    }));
    this.#keySteps = key.map((name) => {
      const step = columns.findIndex((column) => column.name === name);
      return { step, type: columns[step]?.type ?? 'text' };
    });
    this.#width = options.width;
    this.#header = options.header?.map((name) => Buffer.from(name));
    this.#sequence = options.sequence;
    const indexes = sealed.filter((column) => column.searchable === true).length;
    this.#fieldCount = columns.length + indexes + (options.sequence === undefined ? 0 : 1);
    this.#fieldStarts = new Int32Array(columns.length);
    this.#seals = sealed.length === 0 ? undefined : new RowSeals(options.table ?? '', sealed);
  }

  /** Before each attempt at a chunk, where a column is sealed. */
  sealWith(sealer: Sealer): void {
    this.#seals?.begin(sealer);
  }

  /** Adds the record to the batch, or returns why it is no row. */
  encode(record: SourceRecord, batch: RowBatch): Refusal | undefined {
    if (record.fieldCount !== this.#width) return { reason: 'Ragged' };
    const { out } = batch;
    const growth = record.dialect.encoding === 'UTF-8' ? 1 : 3;
    const plainBytes = (record.end - record.start) * growth;
    const sealedBytes = this.#seals?.room ?? 0;
    out.reserve(plainBytes + (this.#fieldCount + 1) * fieldOverheadBytes + sealedBytes);
    out.view.setInt16(out.at, this.#fieldCount);
    out.at += 2;
    const steps = this.#steps;
    for (let index = 0; index < steps.length; index += 1) {
      const step = steps[index] as ColumnStep;
      this.#fieldStarts[index] = out.at;
      const reason = this.#encodeField(record, step, batch);
      if (reason === undefined) continue;
      batch.dropRow();
      if (this.#isHeader(record)) return { reason: 'RepeatedHeader' };
      return { reason, column: step.name };
    }
    if (this.#isHeader(record)) {
      batch.dropRow();
      return { reason: 'RepeatedHeader' };
    }
    this.#endRow(record, batch);
    return undefined;
  }

  #endRow(record: SourceRecord, batch: RowBatch): void {
    const { out, keys } = batch;
    for (const { step, type } of this.#keySteps)
      keys.add(type, out, this.#fieldStarts[step] as number);
    if (this.#keySteps.length > 0) keys.endRow();
    this.#seals?.writeIndexes(out);
    const positionStart = out.at;
    if (this.#sequence !== undefined) {
      const offsetHigh = Math.floor(record.offset / two32);
      out.writeInt64(
        this.#sequence * positionHighFactor + offsetHigh,
        record.offset - offsetHigh * two32,
      );
    }
    this.#seals?.seal(out, this.#keyFields(positionStart));
    batch.add(record);
  }

  /** What sealed values are bound to: the key, or in a table without one the position. */
  #keyFields(positionStart: number): readonly KeyField[] {
    if (this.#keySteps.length === 0) return [{ type: 'bigint', start: positionStart }];
    return this.#keySteps.map(({ step, type }) => ({
      type,
      start: this.#fieldStarts[step] as number,
    }));
  }

  #encodeField(record: SourceRecord, step: ColumnStep, batch: RowBatch): RejectReason | undefined {
    const field = this.#field;
    const { index } = step;
    if (((record.fieldFlags[index] as number) & decodeFlag) !== 0) {
      if (!this.#decode(record, index)) return 'InvalidEncoding';
    } else {
      field.bytes = record.bytes;
      field.start = record.fieldStart[index] as number;
      field.end = record.fieldEnd[index] as number;
    }
    if (!step.isNull(field)) return this.#encodeValue(step, batch);
    if (step.isKey) return 'NullKey';
    if (step.sealedAt >= 0) this.#seals?.isNull(step.sealedAt, batch.out.at);
    batch.out.writeNull();
    return undefined;
  }

  #encodeValue(step: ColumnStep, { out }: RowBatch): RejectReason | undefined {
    if (step.sealedAt < 0 || this.#seals === undefined) return step.encode(this.#field, out);
    const start = out.at;
    this.#seals.open(out);
    const reason = step.encode(this.#field, out);
    this.#seals.close(step.sealedAt, start, out);
    return reason;
  }

  #decode(record: SourceRecord, index: number): boolean {
    const room = ((record.fieldEnd[index] as number) - (record.fieldStart[index] as number)) * 3;
    if (this.#scratch.length < room) this.#scratch = Buffer.allocUnsafeSlow(room);
    const length = fieldBytes(record, index, { out: this.#scratch, at: 0 });
    this.#field.bytes = this.#scratch;
    this.#field.start = 0;
    this.#field.end = length;
    return length !== invalidEncoding;
  }

  /** Most records fail at the first field's length, so the check costs next to nothing. */
  #isHeader(record: SourceRecord): boolean {
    const header = this.#header;
    if (header === undefined || header.length !== record.fieldCount) return false;
    // A callback would be a new closure for each record: 20 MB of garbage a chunk.
    for (let index = 0; index < header.length; index += 1) {
      if (!this.#fieldEquals(record, index, header[index] as Buffer)) return false;
    }
    return true;
  }

  #fieldEquals(record: SourceRecord, index: number, name: Buffer): boolean {
    if (((record.fieldFlags[index] as number) & decodeFlag) !== 0) {
      if (!this.#decode(record, index)) return false;
      const { bytes, end } = this.#field;
      return name.equals(bytes.subarray(0, end));
    }
    const start = record.fieldStart[index] as number;
    const end = record.fieldEnd[index] as number;
    return (
      end - start === name.length && record.bytes.compare(name, 0, name.length, start, end) === 0
    );
  }
}
