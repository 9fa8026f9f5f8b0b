import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { lacks } from '../../../test/backends.ts';
import type { ImportFlow, RunningCoordinator } from '../../../test/import-flow.ts';
import { importFlows, numberedCsv } from '../../../test/import-flows.ts';
import { until } from '../../../test/until.ts';
import { readImport } from '../../chunks/imports.ts';
import { cleanUp } from '../janitor/janitor.ts';

const needed = lacks('postgres', 'rabbitmq');
const flowOf = importFlows(needed);

/** A source that the coordinator loads by itself. */
const stream = gzipSync('id,value\nk0,newer\n');

async function untilWaiting({ coordinator }: RunningCoordinator): Promise<void> {
  await until('it waits', () => coordinator.progress().reason === 'TargetInUse');
}

async function purge({ config, db, link }: ImportFlow): Promise<void> {
  await cleanUp({
    config: { ...config, deletionPolicy: 'Purge' },
    owner: db,
    link,
    migrate: () => Promise.resolve(),
  });
}

describe.skipIf(needed)('an import of a table that another one loads', () => {
  it('waits whatever its source, leaves its place when suspended, and follows a purged one', async () => {
    const table = 'taken';
    await using holder = await flowOf({ content: numberedCsv(50), table });
    const loading = await holder.startCoordinator();
    await until('it loads', () => loading.coordinator.progress().state === 'Loading');
    await using next = await flowOf({ content: stream, table });
    const suspended = await next.startCoordinator();
    await untilWaiting(suspended);

    expect(await suspended.stop()).toBe('Stopped');
    expect(await readImport(next.db, next.uid)).toMatchObject({
      state: 'Planning',
      seq: undefined,
    });

    const resumed = await next.startCoordinator();
    await untilWaiting(resumed);
    await loading.stop();
    await purge(holder);
    expect(await resumed.outcome).toBe('Complete');
    expect(await next.rows()).toEqual([expect.objectContaining({ id: 'k0', value: 'newer' })]);
  });

  it('is not held up by one that was refused the table, and is loaded where it may be adopted', async () => {
    const table = 'theirs';
    await using refused = await flowOf({ content: stream, table, realSink: true });
    await refused.db.query(`CREATE TABLE ${table} (id text PRIMARY KEY, value text)`);

    const { coordinator, outcome } = await refused.startCoordinator();

    expect(await outcome).toBe('Failed');
    expect(coordinator.progress()).toMatchObject({
      reason: 'TargetNotAdopted',
      message: expect.stringContaining('target.adopt') as string,
    });
    await using adopting = await flowOf({
      content: stream,
      table,
      realSink: true,
      config: { target: { table, key: ['id'], onConflict: 'LatestWins', adopt: true } },
    });
    expect(await (await adopting.startCoordinator()).outcome).toBe('Complete');
    expect(await adopting.rows()).toMatchObject([{ id: 'k0', value: 'newer' }]);
  });
});
