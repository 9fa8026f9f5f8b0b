/** Keys to count under, the same for the same seed. */
import type { Random } from './random.ts';

/** `many` different UUIDs in lower case. */
export function uuids(many: number, random: Random): readonly string[] {
  return Array.from({ length: many }, (_, index) => uuid(index, random));
}

/** The index is part of it, so that no two are alike; counted from 1, since all zeros is no key. */
function uuid(index: number, random: Random): string {
  const word = (): string =>
    random
      .below(2 ** 32)
      .toString(16)
      .padStart(8, '0');
  const hex = `${(index + 1).toString(16).padStart(8, '0')}${word()}${word()}${word()}`;
  const at = [0, 8, 12, 16, 20, 32];
  return at
    .slice(1)
    .map((end, part) => hex.slice(at[part], end))
    .join('-');
}
