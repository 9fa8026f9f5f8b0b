/**
 * Ids of entries: milliseconds and a sequence number, `1700000000000-3`. Redis never gives a stream
 * an id that is not greater than the last one, whatever its clock does.
 */

export const firstEntryId = '0-0';

/** Negative when `a` is the lesser. */
export function compareEntryIds(a: string, b: string): number {
  const [aDash, bDash] = [a.indexOf('-'), b.indexOf('-')];
  return (
    compareDecimals(a.slice(0, aDash), b.slice(0, bDash)) ||
    compareDecimals(a.slice(aDash + 1), b.slice(bDash + 1))
  );
}

/** Without leading zeros, the longer one is the greater. */
function compareDecimals(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length;
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** The least id that is greater. */
export function entryIdAfter(id: string): string {
  const [ms, sequence] = partsOf(id);
  return sequence === sequenceMax ? `${ms + 1n}-0` : `${ms}-${sequence + 1n}`;
}

/** When Redis took the entry, by its own clock. */
export function entryTimeMs(id: string): number {
  return Number(partsOf(id)[0]);
}

const sequenceMax = 2n ** 64n - 1n;

function partsOf(id: string): readonly [bigint, bigint] {
  const [ms = '0', sequence = '0'] = id.split('-');
  return [BigInt(ms), BigInt(sequence)];
}
