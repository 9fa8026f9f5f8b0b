/**
 * Tests run in processes of their own, since they open sockets and send signals. The global set-up
 * starts real backends once for a run that has service tests in it. A file or folder alone:
 * `npm test -- runtimes/src/csv/ --no-checks`.
 */
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './longest-first.ts';

export default defineConfig({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: {
    pool: 'forks',
    // Service tests wait more than they compute: with a worker a core or less, cores are idle.
    maxWorkers: availableParallelism() + 1,
    sequence: { sequencer: LongestFirst },
    include: ['{crds,operator,runtimes,hack}/**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/.millrace/**'],
    globalSetup: [
      'hack/test/backends-setup.ts',
      'hack/test/cluster-setup.ts',
      // After the cluster's own programs, with which these share packages.
      'hack/test/programs-setup.ts',
    ],
    // Errors outside a test, an unhandled rejection above all, fail the run.
    dangerouslyIgnoreUnhandledErrors: false,
    // Service tests share two cores with the servers that they use.
    testTimeout: 30_000,
    hookTimeout: 120_000,
    coverage: {
      provider: 'v8',
      include: ['crds/src/**/*.ts', 'operator/src/**/*.ts', 'runtimes/**/*.ts'],
      exclude: ['**/*.test.ts', '**/test/**', '**/node_modules/**', 'hack/**'],
      reporter: ['text-summary', 'html'],
      reportsDirectory: 'coverage',
      thresholds: { statements: 92, branches: 86, functions: 92, lines: 93 },
    },
  },
});
