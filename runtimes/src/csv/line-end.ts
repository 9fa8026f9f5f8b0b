export const LF = 0x0a;
export const CR = 0x0d;

/** The index of the first CR or LF at or after `from`, or `end`. */
export function endOfLine(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end && bytes[at] !== LF && bytes[at] !== CR) at += 1;
  return at;
}
