import { describe, expect, it } from 'vitest';

import { counts } from './run-vitest.ts';

const report = {
  numPassedTests: 5,
  numFailedTests: 0,
  numPendingTests: 2,
  numTodoTests: 1,
  testResults: [{ status: 'passed', assertionResults: [{}] }],
};

describe('the closing line', () => {
  it('counts pending and planned tests as skipped', () => {
    expect(counts(report, true)).toEqual({ passed: 5, failed: 0, skipped: 3 });
  });

  it('counts a file that cannot be loaded as a failure', () => {
    const unloaded = { ...report, testResults: [{ status: 'failed', assertionResults: [] }] };

    expect(counts(unloaded, false).failed).toBe(1);
  });

  it('says that something failed when the runner does, even if every test passed', () => {
    expect(counts(report, false).failed).toBe(1);
  });
});
