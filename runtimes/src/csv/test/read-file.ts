/** Reads a whole file from memory as `millrace preview` does: the header, then every record. */

import type { FormatSpec } from '../dialect.ts';
import { preview, type Preview, type PreviewSource } from '../preview.ts';

export function sourceOf(bytes: Buffer): PreviewSource {
  return {
    size: bytes.length,
    read: (offset, length) => Promise.resolve(bytes.subarray(offset, offset + length)),
  };
}

export async function readFile(
  bytes: Buffer,
  format: FormatSpec = {},
): Promise<{ readonly preview: Preview; readonly rows: readonly (readonly string[])[] }> {
  const rows: (readonly string[])[] = [];
  const seen = await preview(sourceOf(bytes), {
    format,
    maxRecordBytes: 1 << 20,
    onHeader: (names) => names !== null && rows.push(names),
    onRecord: (values) => rows.push(values),
  });
  return { preview: seen, rows };
}
