/** Loaded into every test file: a test that fails shows the cluster as it was then, once a file. */
import { beforeEach } from 'vitest';
import { printDiagnostics } from './diagnostics.ts';
import { suite } from './suite.ts';

let isPrinted = false;

beforeEach(({ onTestFailed }) => {
  onTestFailed(async () => {
    if (isPrinted) return;
    isPrinted = true;
    await printDiagnostics(suite().tools, (text) => console.error(text));
  }, 180_000);
});
