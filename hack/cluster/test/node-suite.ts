/** Guards suites that need a node: skipped with the reason where the host cannot have one. */
import { describe } from 'vitest';

import { canRunNode } from '../host.ts';

/**
 * A host that is root on Linux should be able, and in CI it has to be. Nothing else is expected of
 * one that is not.
 */
function shouldBeAble(): boolean {
  return process.platform === 'linux' && process.getuid?.() === 0;
}

const missing = await canRunNode();

export function describeOnNode(name: string, body: () => void): void {
  if (missing === undefined) {
    describe(name, body);
    return;
  }
  if (process.env['CI'] === 'true' && shouldBeAble()) throw new Error(missing);
  console.error(`skipped: ${name}: ${missing}`);
  describe.skip(`${name} (${missing})`, body);
}
