/**
 * The suite on a whole cluster: files in the order of their names, since each goes on where the one
 * before it ended, and one test at a time, since they share the node.
 */
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

class InOrder extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return files.toSorted((a, b) => a.moduleId.localeCompare(b.moduleId));
  }
}

export default defineConfig({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: {
    pool: 'forks',
    fileParallelism: false,
    include: ['hack/e2e/**/*.e2e.ts'],
    exclude: ['**/node_modules/**', '**/.millrace/**'],
    sequence: { sequencer: InOrder },
    globalSetup: ['hack/e2e/setup.ts'],
    setupFiles: ['hack/e2e/on-failure.ts'],
    // Every wait inside a test is shorter and says what it waited for.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    // Building images and starting a cluster for the first time.
    teardownTimeout: 60_000,
  },
});
