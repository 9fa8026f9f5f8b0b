import { describe, expect, it } from 'vitest';
import { collected, kinds } from './collection.ts';
import { scoreOf } from './score.ts';

/** Few, since the whole collection is read by `npm run bench -- csv-dialects`. */
const filesOfAKind = 2;
/** Some files are such that two readings are equally good. */
const exactMin = 0.97;

describe('the generated collection', () => {
  it('is the same for the same numbers', () => {
    for (const kind of kinds) expect(collected(kind, 7)).toEqual(collected(kind, 7));
  });

  it('is read as a careful person would, and what is sure is right', async () => {
    const wrong: string[] = [];
    let [files, surelyWrong] = [0, 0];
    for (const kind of kinds) {
      for (let seed = 1; seed <= filesOfAKind; seed += 1) {
        const score = await scoreOf(collected(kind, seed));
        files += 1;
        if (!score.exact) wrong.push(`${kind.name} ${seed}`);
        if (!score.preamble && score.confidence > 0.9) surelyWrong += 1;
      }
    }

    expect(1 - wrong.length / files, wrong.join(', ')).toBeGreaterThanOrEqual(exactMin);
    expect(surelyWrong).toBe(0);
  });
});
