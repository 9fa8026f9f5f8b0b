/** The known word that somebody probably meant; undefined when none is close. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const wanted = word.toLowerCase();
  // A third of the letters may be wrong. Every short word is near to every other: those must match.
  const limit = word.length < 3 ? 0 : Math.max(1, word.length / 3);
  let best: { word?: string; steps: number } = { steps: Infinity };
  for (const candidate of known) {
    const steps = distance(wanted, candidate.toLowerCase());
    if (steps <= limit && steps < best.steps) best = { word: candidate, steps };
  }
  return best.word;
}

/** Edits that turn one word into the other; two letters in the wrong order count as one. */
function distance(from: string, to: string): number {
  // Words are field names; this only keeps a hostile key from costing anything.
  if (from.length > 64 || to.length > 64) return Infinity;
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= to.length; column += 1) {
      const isSame = from[row - 1] === to[column - 1];
      const isSwapped =
        row > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      current.push(
        Math.min(
          cell(current, column - 1) + 1,
          cell(last, column) + 1,
          cell(last, column - 1) + (isSame ? 0 : 1),
          isSwapped ? cell(beforeLast, column - 2) + 1 : Infinity,
        ),
      );
    }
    beforeLast = last;
    last = current;
  }
  return cell(last, to.length);
}

function cell(row: readonly number[], column: number): number {
  return row[column] ?? Infinity;
}
