/**
 * The order of test files: those that take minutes first, so that the last of them does not run alone
 * when everything else is done. A fresh clone has no times of an earlier run to go by, and by size,
 * which vitest takes instead, the longest would come last.
 */
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Ends of paths, the longest first, as measured on two cores. */
const long = [
  'operator/test/crash/points/csv-import.test.ts',
  'operator/test/crash/points/increment-pipeline.test.ts',
  'operator/test/crash/chance.test.ts',
  'hack/play/play.service.test.ts',
  'runtimes/src/csv-import/flow.service.test.ts',
];

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const others = await super.sort(files);
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = long.findIndex((path) => moduleId.endsWith(path));
      return at < 0 ? long.length : at;
    };
    return others.toSorted((a, b) => rank(a) - rank(b));
  }
}
