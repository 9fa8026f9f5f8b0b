/** `status.plan`: the steps of the last pass that changed anything, within the bounds of the schema. */
import { clip } from '../clip.ts';

const planLinesMax = 32;
const planLineCharactersMax = 256;

export function planLines(
  changed: readonly string[],
  previous: readonly string[] | undefined,
): string[] | undefined {
  if (changed.length === 0) return previous === undefined ? undefined : [...previous];
  return changed.slice(0, planLinesMax).map((line) => clip(line, planLineCharactersMax));
}
