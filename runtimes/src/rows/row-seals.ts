/**
 * Sealing inside a row that is being encoded: room is left around each sealed field, and when the row
 * is whole, and with it the key that its values are bound to, each is sealed where it stands. Nothing
 * is copied twice, and a record that is refused uses up no nonce.
 *
 * A searchable column's blind index follows as a field of its own after all columns, made from the
 * plain bytes before they are gone. What is sealed is the field in its type's binary form, so that
 * equal values of any spelling (`07`, `7`) are one.
 */
import { blindIndex, blindIndexBytes } from '../sealing/blind-index.ts';
import { canonicalPart, columnPlace } from '../sealing/associated-data.ts';
import type { Sealer } from '../sealing/sealer.ts';
import { tagBytes } from '../sealing/primitives.ts';
import { Fault } from '@millrace/kit/fault';
import type { ColumnType } from './column-encoder.ts';
import type { CopyBuffer } from './copy-buffer.ts';

export interface SealedColumn {
  readonly name: string;
  readonly searchable?: boolean;
}

export interface KeyField {
  readonly type: ColumnType;
  /** Where the field begins in the row's buffer. */
  readonly start: number;
}

interface SealedField {
  readonly place: Buffer;
  readonly searchable: boolean;
  /** Where the field begins, and its plain bytes; -1 for NULL. */
  start: number;
  length: number;
}

const lengthWord = 4;
/** The largest head of an envelope: version, length and 32 characters of the id, salt, nonce. */
const roomBytes = lengthWord + 2 + 32 + 16 + 12 + tagBytes + lengthWord + blindIndexBytes;

export class RowSeals {
  readonly #fields: readonly SealedField[];
  #sealer: Sealer | undefined;
  #associated = Buffer.allocUnsafeSlow(1024);

  constructor(table: string, columns: readonly SealedColumn[]) {
    this.#fields = columns.map(({ name, searchable = false }) => ({
      place: columnPlace(table, name),
      searchable,
      start: 0,
      length: -1,
    }));
  }

  /** What a row needs to have reserved besides its plain fields. */
  get room(): number {
    return this.#fields.length * roomBytes;
  }

  /** Each attempt at a chunk seals under a salt of its own. */
  begin(sealer: Sealer): void {
    this.#sealer = sealer;
  }

  /** Leaves room for the head; the field's encoder then writes behind it. */
  open(out: CopyBuffer): void {
    out.at += this.#current().headBytes;
  }

  /** Takes what the encoder wrote for the `at`-th sealed column, whose field begins at `start`. */
  close(at: number, start: number, out: CopyBuffer): void {
    const field = this.#fields[at] as SealedField;
    field.start = start;
    field.length = out.at - start - lengthWord - this.#current().headBytes;
    out.at += tagBytes;
  }

  isNull(at: number, start: number): void {
    const field = this.#fields[at] as SealedField;
    field.start = start;
    field.length = -1;
  }

  /** Fields behind the last column. */
  writeIndexes(out: CopyBuffer): void {
    const sealer = this.#current();
    for (const field of this.#fields) {
      if (field.searchable) this.#writeIndex(field, out, sealer);
    }
  }

  /** Seals the fields of the row, whose key is written by now. */
  seal(out: CopyBuffer, key: readonly KeyField[]): void {
    const sealer = this.#current();
    for (const field of this.#fields) {
      if (field.length < 0) continue;
      out.view.setInt32(field.start, field.length + sealer.overheadBytes);
      sealer.sealInPlace(out.bytes, field.start + lengthWord, {
        length: field.length,
        associated: this.#place(field.place, out, key),
      });
    }
  }

  #writeIndex(field: SealedField, out: CopyBuffer, sealer: Sealer): void {
    if (field.length < 0) {
      out.writeNull();
      return;
    }
    const at = field.start + lengthWord + sealer.headBytes;
    const plain = out.bytes.subarray(at, at + field.length);
    out.writeBytes(blindIndex(sealer.key, field.place, plain), 0, blindIndexBytes);
  }

  /** A field in COPY format is its length and its bytes already. */
  #place(place: Buffer, out: CopyBuffer, key: readonly KeyField[]): Buffer {
    let needed = place.length;
    for (const { start } of key) needed += lengthWord + out.view.getInt32(start);
    if (this.#associated.length < needed) this.#associated = Buffer.allocUnsafeSlow(2 * needed);
    const into = this.#associated;
    let at = place.copy(into, 0);
    for (const { type, start } of key) {
      const end = start + lengthWord + out.view.getInt32(start);
      if (type !== 'decimal') {
        at += out.bytes.copy(into, at, start, end);
        continue;
      }
      const part = canonicalPart({ type, bytes: out.bytes.subarray(start + lengthWord, end) });
      at = into.writeUInt32BE(part.length, at);
      into.set(part, at);
      at += part.length;
    }
    return into.subarray(0, at);
  }

  #current(): Sealer {
    if (this.#sealer === undefined) throw new Fault('A row was sealed before an attempt began.');
    return this.#sealer;
  }
}
