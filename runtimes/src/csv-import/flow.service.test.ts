import { describe, expect, it } from 'vitest';
import { lacks } from '../../test/backends.ts';
import { importFlow, until } from '../../test/import-flow.ts';

/** Records in order; keys repeat when `keys` is smaller than `count`. */
function csv(count: number, keys = count): string {
  const lines = Array.from({ length: count }, (_, n) => `k${n % keys},value ${n}`);
  return `id,value\n${lines.join('\n')}\n`;
}

describe.skipIf(lacks('postgres', 'rabbitmq'))('an import from file to verdict', () => {
  it('loads every record once and leaves no queue', async () => {
    await using flow = await importFlow({ content: csv(2_000) });

    const { coordinator, outcome } = await flow.run();

    expect(await outcome).toBe('Complete');
    expect(coordinator.progress()).toMatchObject({
      state: 'Complete',
      totals: { read: 2_000, loaded: 2_000, superseded: 0, rejected: 0 },
    });
    expect(await flow.rows()).toHaveLength(2_000);
    await expect(
      flow.link.ask('looking', (channel) => channel.checkQueue(flow.queue)),
    ).rejects.toMatchObject({ code: 'QueueMissing' });
  });
});
