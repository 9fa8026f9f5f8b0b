/**
 * Pieces from later in a file, for what its first MiB does not show: another encoding, quotes that
 * are rare, a table that changes its width.
 */

export interface ProbePlace {
  readonly offset: number;
  readonly length: number;
}

/** A remote source answers each piece in a round trip; six of them are read in one second. */
const probesMax = 6;
const probeBytes = 64 << 10;

/** Evenly spread, the last at the end. Offsets are even, since characters may take two bytes. */
export function probePlaces(size: number, headBytes: number): ProbePlace[] {
  const rest = size - headBytes;
  if (rest <= 0) return [];
  const probes = Math.min(probesMax, Math.max(1, Math.floor(rest / probeBytes)));
  const length = Math.min(probeBytes, rest);
  return Array.from({ length: probes }, (_, index) => {
    const end = headBytes + Math.ceil((rest * (index + 1)) / probes);
    const offset = end - length + ((end - length) % 2);
    return { offset, length: Math.min(length, size - offset) };
  });
}
