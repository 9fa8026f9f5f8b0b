/** The header in which a server says which part of what it sends (RFC 9110, 14.4). */

export interface ContentRange {
  readonly start: number;
  /** The last byte, included. */
  readonly end: number;
  /** Undefined where the server does not know it. */
  readonly total: number | undefined;
}

/** Undefined for what is no range of bytes, and for one that contradicts itself. */
export function contentRange(text: string | undefined): ContentRange | undefined {
  const [, start, end, total] =
    /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/i.exec(text ?? '') ?? [];
  if (start === undefined || end === undefined) return undefined;
  const range = {
    start: Number(start),
    end: Number(end),
    total: total === '*' ? undefined : Number(total),
  };
  const isPossible = range.start <= range.end && range.end < (range.total ?? Infinity);
  return isPossible ? range : undefined;
}
