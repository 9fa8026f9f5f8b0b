import { describe, expect, it } from 'vitest';
import { lacks } from '../../../test/backends.ts';
import { importFlow } from '../../../test/import-flow.ts';
import { Pace } from './pace.ts';

/** One that pauses after each chunk, as if commits were slow, until they are said not to be any more. */
class SlowPace extends Pace {
  isSlow = true;

  override get pauseMs(): number {
    return this.isSlow ? 500 : 0;
  }
}

/** Chunks enough for a busy host to look at the import while it loads. */
const lines = Array.from({ length: 4_000 }, (_, n) => `k${n},value ${n}`);

describe.skipIf(lacks('postgres', 'rabbitmq'))('a worker that slows down', () => {
  it('loads everything, and tells the ledger from which the coordinator says how many are of use', async () => {
    await using flow = await importFlow({ content: `id,value\n${lines.join('\n')}\n` });
    const pace = new SlowPace();
    flow.startWorker({ pace });

    const { coordinator, outcome } = await flow.startCoordinator();
    const workers = () => coordinator.progress().workers;

    await expect
      .poll(() => workers().inputs, { timeout: 20_000 })
      .toMatchObject({ present: 1, paceRatio: 1, connectionsFree: expect.any(Number) });
    const { wanted, why, inputs } = workers();
    pace.isSlow = false;
    expect(wanted).toBeGreaterThan(0);
    expect(wanted).toBeLessThanOrEqual(inputs?.chunksLeft ?? 0);
    expect(why).toMatch(/chunks pending/);
    expect(inputs?.chunkSeconds).toBeGreaterThan(0);
    expect(inputs?.connectionsFree).toBeGreaterThan(2);
    expect(await outcome).toBe('Complete');
    expect(coordinator.progress().totals).toMatchObject({ read: 4_000, loaded: 4_000 });
    expect(workers()).toEqual({ wanted: 0, why: 'nothing to load while Complete' });
  });
});
