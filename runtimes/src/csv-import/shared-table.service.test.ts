/** Imports that load one table: one after the other, and never mixed. */
import { describe, expect, it } from 'vitest';
import { lacks, privateName } from '../../test/backends.ts';
import { importFlows, numberedCsv as csv } from '../../test/import-flows.ts';
import { until } from '../../test/until.ts';

const needed = lacks('postgres', 'rabbitmq');
const flowOf = importFlows(needed);

describe.skipIf(needed)('two imports of one table', () => {
  it('take turns: the second waits with TargetInUse, and its rows are newer', async () => {
    const table = privateName('shared');
    await using first = await flowOf({ content: csv(200), table });
    const running = await first.startCoordinator();
    await until(
      'the first holds the table',
      () => running.coordinator.progress().state === 'Loading',
    );
    await using second = await flowOf({ content: 'id,value\nk0,newer\n', table });
    second.startWorker();
    const waiting = await second.startCoordinator();
    await until('the second waits', () => waiting.coordinator.progress().reason === 'TargetInUse');

    first.startWorker();

    expect(await running.outcome).toBe('Complete');
    expect(await waiting.outcome).toBe('Complete');
    expect((await second.rows()).find((row) => row.id === 'k0')?.value).toBe('newer');
  });

  it('fence off a holder that gives no sign of life, whose workers can then commit nothing', async () => {
    const table = privateName('shared');
    await using first = await flowOf({ content: csv(500), table });
    const gone = await first.startCoordinator();
    await until('chunks are cut', () => gone.coordinator.progress().chunks.complete);
    await gone.stop();

    await using second = await flowOf({
      content: 'id,value\nk0,newer\n',
      table,
      staleAfterMs: 2_000,
    });
    second.startWorker();
    const taking = await second.startCoordinator();
    const taken = await taking.outcome;
    const late = first.startWorker();
    const back = await first.startCoordinator();

    expect(taken).toBe('Complete');
    expect(await back.outcome).toBe('Failed');
    expect(back.coordinator.progress().reason).toBe('TargetLost');
    await late.stop();
    expect(await second.rows()).toEqual([expect.objectContaining({ id: 'k0', value: 'newer' })]);
  });

  it('do not mix: one that failed may not go on after another has loaded the table', async () => {
    const table = privateName('shared');
    const content = `${csv(50)}ragged\n`;
    await using first = await flowOf({ content, table });
    const strict = await first.startCoordinator({ rejects: { maxRows: 0, maxPercent: 100 } });
    first.startWorker();
    expect(await strict.outcome).toBe('Failed');

    await using second = await flowOf({ content: 'id,value\nk0,newer\n', table });
    await second.run();
    const raised = await first.startCoordinator();

    expect(await raised.outcome).toBe('Failed');
    expect(raised.coordinator.progress().reason).toBe('TargetLost');
    expect((await second.rows()).find((row) => row.id === 'k0')?.value).toBe('newer');
  });
});
