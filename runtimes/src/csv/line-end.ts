export const LF = 0x0a;
export const CR = 0x0d;

/** The index of the first CR or LF at or after `from`, or `end`. */
export function endOfLine(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end && bytes[at] !== LF && bytes[at] !== CR) at += 1;
  return at;
}

/** Where the line begins that comes after so many lines, and how many there were before the end. */
export function afterLines(bytes: Uint8Array, wanted: number): { at: number; lines: number } {
  let [at, lines] = [0, 0];
  for (; lines < wanted && at < bytes.length; lines += 1) {
    const end = endOfLine(bytes, at, bytes.length);
    at = bytes[end] === CR && bytes[end + 1] === LF ? end + 2 : end + 1;
  }
  return { at: Math.min(at, bytes.length), lines };
}
