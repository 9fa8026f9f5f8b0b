/**
 * Spreadsheets write and obey a first line `sep=;` that names the delimiter. It is no record: it is
 * skipped like a comment.
 */

export interface SeparatorHint {
  readonly delimiter: string;
  /** The length of the line with its line end. */
  readonly bytes: number;
}

export function separatorHint(head: Buffer, bomBytes: number): SeparatorHint | undefined {
  const found = /^"?sep=([^\r\n"])"?(\r\n|\r|\n)/i.exec(
    head.toString('latin1', bomBytes, bomBytes + 10),
  );
  if (found?.[1] === undefined) return undefined;
  return { delimiter: found[1], bytes: found[0].length };
}
