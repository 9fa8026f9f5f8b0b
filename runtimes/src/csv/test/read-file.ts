/** Reads a whole file from memory as `millrace preview` does: the header, then every record. */

import { readableDialect, type FormatSpec } from '../dialect.ts';
import { preview, type Preview, type PreviewSource } from '../preview.ts';
import { sniff } from '../sniff.ts';

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

/** What `--records` prints: the header, then every record. */
export async function rowsOf(
  bytes: Buffer,
  format: FormatSpec = {},
): Promise<readonly (readonly string[])[]> {
  return (await readFile(bytes, format)).rows;
}

export function dialectOf(
  text: string | Buffer,
  format: FormatSpec = {},
): ReturnType<typeof readableDialect> {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text;
  return readableDialect(sniff(bytes, format, { isWholeFile: true }).dialect);
}
