/**
 * The shape that every type's encoder has. It reads the bytes of one field, writes one field of a
 * binary COPY row, and returns nothing, or the reason why the bytes are no such value. A refused
 * field may leave rubbish behind `at`; whoever writes the row goes back to its start.
 */
import type { CopyBuffer } from './copy-buffer.ts';
import type { RejectReason } from './reject-reason.ts';

/** One field's bytes: UTF-8, without quotes and escapes. Reused from field to field. */
export interface FieldBytes {
  bytes: Buffer;
  start: number;
  end: number;
}

/** The caller has reserved at least the field's length plus `fieldOverheadBytes`. */
export type FieldEncoder = (field: FieldBytes, out: CopyBuffer) => RejectReason | undefined;

/** Length word, widest fixed value, and the header of a numeric. */
export const fieldOverheadBytes = 40;
