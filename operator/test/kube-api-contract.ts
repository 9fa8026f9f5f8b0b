/**
 * What every adapter of the KubeApi port must do. It runs on the API in memory with each test run,
 * and on a real API server where there is one: the one in memory is trusted only for what passes on
 * both. Nothing here knows which one it talks to.
 */
import { describe } from 'vitest';
import { applyContract } from './contract/apply.ts';
import { autoscalersContract } from './contract/autoscalers.ts';
import { customResourcesContract } from './contract/custom-resources.ts';
import { deletionContract } from './contract/deletion.ts';
import { listsContract } from './contract/lists.ts';
import { preconditionsContract } from './contract/preconditions.ts';
import type { MakeTarget } from './contract/target.ts';
import { watchesContract } from './contract/watches.ts';
import { writesContract } from './contract/writes.ts';

export function kubeApiContract(adapter: string, makeTarget: MakeTarget): void {
  describe(`the KubeApi contract on ${adapter}`, () => {
    writesContract(makeTarget);
    applyContract(makeTarget);
    autoscalersContract(makeTarget);
    listsContract(makeTarget);
    describe('preconditions', () => preconditionsContract(makeTarget));
    watchesContract(makeTarget);
    deletionContract(makeTarget);
    customResourcesContract(makeTarget);
  });
}
