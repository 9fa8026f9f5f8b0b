import { appendFile, rm, utimes, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { Transient } from '@millrace/kit/transient';
import { brokerUrl, lacks } from '../../test/backends.ts';
import { database } from '../../test/database.ts';
import { faultProxy } from '../../test/fault-proxy.ts';
import { importFlow, type ImportFlow } from '../../test/import-flow.ts';
import { until } from '../../test/until.ts';
import { deadLetterName } from '../connectors/rabbitmq/queue.ts';
import { encodeChunkMessage } from './messages.ts';

const needed = lacks('postgres', 'rabbitmq');

/** Records in order; keys repeat when `keys` is smaller than `count`. */
function csv(count: number, keys = count): string {
  const lines = Array.from({ length: count }, (_, n) => `k${n % keys},value ${n}`);
  return `id,value\n${lines.join('\n')}\n`;
}

async function doneChunks(flow: ImportFlow): Promise<number> {
  const { rows } = await flow.db.query<{ done: number }>(
    `SELECT count(*)::int AS done FROM millrace.chunks WHERE import = $1 AND done_at IS NOT NULL`,
    [flow.uid],
  );
  return rows[0]?.done ?? 0;
}

/** Before the ledger exists nothing is done. */
async function someDone(flow: ImportFlow, least = 1): Promise<boolean> {
  return (await doneChunks(flow).catch(() => 0)) >= least;
}

async function send(flow: ImportFlow, body: Buffer, contentType = 'application/json') {
  await flow.link.ask('sending', async (channel) => {
    await channel.checkQueue(flow.queue);
    channel.sendToQueue(flow.queue, body, { contentType, persistent: true });
  });
}

function message(flow: ImportFlow, chunk: number): Buffer {
  return encodeChunkMessage({ v: 1, import: flow.uid, chunk, offset: 9, length: 1024 });
}

/** What every undisturbed run of `csv(count)` ends with. */
async function expectAllLoaded(flow: ImportFlow, count: number): Promise<void> {
  const rows = await flow.rows();
  expect(rows).toHaveLength(count);
  expect(new Set(rows.map((row) => row.value)).size).toBe(count);
}

describe.skipIf(needed)('an import from file to verdict', () => {
  it('loads every record once and leaves no queue', async () => {
    await using flow = await importFlow({ content: csv(2_000) });

    const { coordinator, outcome } = await flow.run();

    expect(await outcome).toBe('Complete');
    expect(coordinator.progress()).toMatchObject({
      state: 'Complete',
      totals: { read: 2_000, loaded: 2_000, superseded: 0, rejected: 0 },
    });
    await expectAllLoaded(flow, 2_000);
    await expect(
      flow.link.ask('looking', (channel) => channel.checkQueue(flow.queue)),
    ).rejects.toMatchObject({ code: 'QueueMissing' });
  });

  it('counts superseded, rejected, blank and comment lines and names the line of a reject', async () => {
    const content = 'id,value\n# note\na,1\n\na,2\nragged\nb,3\n';
    await using flow = await importFlow({ content, config: { format: { comment: '#' } } });

    const { coordinator } = await flow.run();

    expect(coordinator.progress().totals).toEqual({
      read: 4,
      loaded: 2,
      superseded: 1,
      rejected: 1,
      comments: 1,
      blank: 1,
    });
    const { rows } = await flow.db.query('SELECT line FROM things_rejects');
    expect(rows).toEqual([{ line: '6' }]);
  });

  it('completes a file that holds nothing but a header', async () => {
    await using flow = await importFlow({ content: 'id,value\n' });

    const { coordinator, outcome } = await flow.run();

    expect(await outcome).toBe('Complete');
    expect(coordinator.progress()).toMatchObject({ totals: { read: 0, loaded: 0 } });
  });

  it('fails on an empty file without listed columns, and completes one with them', async () => {
    await using bare = await importFlow({ content: '' });
    await using listed = await importFlow({
      content: '',
      config: { columns: [{ name: 'id', type: 'text' }] },
    });

    const failed = await bare.run();
    const complete = await listed.run();

    expect(failed.coordinator.progress()).toMatchObject({ state: 'Failed', reason: 'EmptySource' });
    expect(complete.coordinator.progress().state).toBe('Complete');
  });

  it('fails with the path when the file is missing and starts over once it is there', async () => {
    await using flow = await importFlow({ content: '' });
    await rm(flow.file);

    const first = await flow.run();
    await writeFile(flow.file, csv(10));
    const second = await flow.run();

    expect(first.coordinator.progress()).toMatchObject({
      state: 'Failed',
      reason: 'SourceMissing',
      message: expect.stringContaining('data.csv'),
    });
    expect(await second.outcome).toBe('Complete');
    await expectAllLoaded(flow, 10);
  });

  it('fails when the file changes before the end', async () => {
    await using flow = await importFlow({ content: csv(500) });
    const { coordinator, outcome } = await flow.startCoordinator();
    await until('chunks are cut', () => coordinator.progress().chunks.complete);

    await appendFile(flow.file, 'late,row\n');
    flow.startWorker();

    expect(await outcome).toBe('Failed');
    expect(coordinator.progress().reason).toBe('SourceChanged');
  }, 40_000);

  it('fails when the file was replaced by one of the same size', async () => {
    await using flow = await importFlow({ content: csv(50) });
    const first = await flow.startCoordinator();
    await until('chunks are cut', () => first.coordinator.progress().chunks.complete);
    await first.stop();

    await writeFile(flow.file, csv(50));
    await utimes(flow.file, 1, 1);
    const second = await flow.startCoordinator();

    expect(await second.outcome).toBe('Failed');
    expect(second.coordinator.progress().reason).toBe('SourceChanged');
  }, 40_000);

  it('stops early over maxRows and goes on when the limit is raised', async () => {
    const content = `id,value\n${'ragged\n'.repeat(20)}${csv(2_000).slice(9)}`;
    await using flow = await importFlow({ content });
    const strict = { rejects: { maxRows: 5, maxPercent: 100 } };
    const worker = flow.startWorker();

    const first = await flow.startCoordinator(strict);
    const outcome = await first.outcome;
    const again = await (await flow.startCoordinator(strict)).outcome;
    const raised = await flow.startCoordinator();

    expect(outcome).toBe('Failed');
    expect(first.coordinator.progress()).toMatchObject({
      reason: 'TooManyRejects',
      message: expect.stringContaining('line 2: Ragged; line 3: Ragged; line 4: Ragged'),
    });
    expect(again).toBe('Failed');
    expect(await raised.outcome).toBe('Complete');
    expect(raised.coordinator.progress().totals).toMatchObject({ loaded: 2_000, rejected: 20 });
    await worker.stop();
  });

  it('judges maxPercent on the whole file', async () => {
    const content = `id,value\n${'ragged\n'.repeat(9)}${csv(91).slice(9)}`;
    await using flow = await importFlow({ content });
    const worker = flow.startWorker();

    const strict = await flow.startCoordinator({ rejects: { maxRows: 100, maxPercent: 8 } });
    const failed = await strict.outcome;
    const exact = await flow.startCoordinator({ rejects: { maxRows: 100, maxPercent: 9 } });

    expect(failed).toBe('Failed');
    expect(strict.coordinator.progress().reason).toBe('TooManyRejects');
    expect(await exact.outcome).toBe('Complete');
    await worker.stop();
  });
});

describe.skipIf(needed)('an import whose tables disagree with its ledger', () => {
  it.each([
    ['row', 'DELETE FROM things WHERE id = $1', ['k7']],
    ['reject', 'DELETE FROM things_rejects', []],
  ])(
    'is Failed with the numbers, never Complete, when a %s is missing',
    async (_what, sql, values) => {
      await using flow = await importFlow({
        content: `${csv(50)}ragged\n`,
        config: { chunkBytes: 65_536 },
        afterLoad: async (tx) => {
          await tx.query(sql, values);
        },
      });

      const { coordinator, outcome } = await flow.run();

      expect(await outcome).toBe('Failed');
      expect(coordinator.progress()).toMatchObject({
        state: 'Failed',
        reason: 'TotalsDisagree',
        message: expect.stringContaining('read 51'),
      });
    },
  );
});

describe.skipIf(needed)('an import whose processes die', () => {
  it('loads a chunk again when its worker dies between COPY and commit', async () => {
    let kills = 0;
    await using flow = await importFlow({
      content: csv(300),
      afterLoad: async (tx) => {
        if (kills >= 3) return;
        kills += 1;
        await tx.query('SELECT pg_terminate_backend(pg_backend_pid())');
      },
    });

    const { coordinator, outcome } = await flow.run();

    expect(await outcome).toBe('Complete');
    expect(kills).toBe(3);
    expect(coordinator.progress().totals).toMatchObject({ read: 300, loaded: 300 });
    await expectAllLoaded(flow, 300);
  });

  it('bumps the cache again, and loads nothing twice, after a death between commit and acknowledgement', async () => {
    let calls = 0;
    let bumps = 0;
    const order: string[] = [];
    await using flow = await importFlow({
      content: csv(300),
      bump: async () => {
        const [row] = (await flow.db.query<{ state: string }>('SELECT state FROM millrace.imports'))
          .rows;
        order.push(row?.state ?? '');
      },
    });
    flow.startWorker({
      bump: () => {
        calls += 1;
        if (calls <= 3) return Promise.reject(new Transient('Silent', 'No answer.'));
        bumps += 1;
        return Promise.resolve();
      },
    });

    const { coordinator, outcome } = await flow.startCoordinator();

    expect(await outcome).toBe('Complete');
    const { totals, chunks } = coordinator.progress();
    expect(totals).toMatchObject({ read: 300, loaded: 300, superseded: 0 });
    // Every chunk was followed by a bump that worked, those of the three deaths too.
    expect(chunks.done).toBeGreaterThan(3);
    await until('the last chunk is bumped', () => bumps >= chunks.done);
    // Nobody delivers the last chunk again once the queue is gone, so the end bumps as well.
    expect(order).toEqual(['Verifying']);
  });

  it('goes on where a stopped coordinator was, with the same plan', async () => {
    await using flow = await importFlow({ content: csv(2_000) });
    const first = await flow.startCoordinator();
    await until('chunks are cut', () => first.coordinator.progress().chunks.planned > 0);
    expect(await first.stop()).toBe('Stopped');

    const { coordinator, outcome } = await flow.run();

    expect(await outcome).toBe('Complete');
    expect(coordinator.progress().totals).toMatchObject({ read: 2_000, loaded: 2_000 });
  });

  it('reports the same totals again when it is started after Complete', async () => {
    await using flow = await importFlow({ content: csv(100, 50) });
    const first = await flow.run();

    const second = await flow.startCoordinator();

    expect(await second.outcome).toBe('Complete');
    expect(second.coordinator.progress().totals).toEqual(first.coordinator.progress().totals);
    expect(JSON.parse(second.coordinator.terminationMessage())).toMatchObject({
      state: 'Complete',
      totals: { read: 100, loaded: 50, superseded: 50 },
    });
  });

  it('comes to the same end with two coordinators at once', async () => {
    await using flow = await importFlow({ content: csv(2_000) });
    flow.startWorker();

    const both = await Promise.all([flow.startCoordinator(), flow.startCoordinator()]);
    const outcomes = await Promise.all(both.map((it) => it.outcome));

    expect(outcomes).toEqual(['Complete', 'Complete']);
    await expectAllLoaded(flow, 2_000);
  });
});

describe.skipIf(needed)('an import whose backends fail', () => {
  it('survives the end of every Postgres connection, again and again', async () => {
    await using flow = await importFlow({ content: csv(3_000) });
    const running = flow.run();

    await using killer = flow.openAsWorkingRole();
    for (const least of [1, 5, 10, 20]) {
      await until(`${least} chunks are done`, () => someDone(flow, least));
      await killer.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND application_name IN ('coordinator', 'worker')`,
      );
    }

    const { coordinator, outcome } = await running;
    expect(await outcome).toBe('Complete');
    expect(coordinator.progress().totals).toMatchObject({ read: 3_000, loaded: 3_000 });
    await expectAllLoaded(flow, 3_000);
  }, 60_000);

  it('publishes again what a deleted queue held', async () => {
    await using flow = await importFlow({ content: csv(2_000) });
    const { outcome, coordinator } = await flow.startCoordinator();
    await until('chunks are cut', () => coordinator.progress().chunks.complete);

    await flow.link.ask('deleting', (channel) => channel.deleteQueue(flow.queue));
    flow.startWorker();

    expect(await outcome).toBe('Complete');
    await expectAllLoaded(flow, 2_000);
  });

  it('shows that the broker is away, goes on cutting, and loads once it is back', async () => {
    await using proxy = await faultProxy(brokerUrl());
    proxy.set('stopped');
    await using flow = await importFlow({ content: csv(1_000), brokerUrl: () => proxy.url });
    flow.startWorker();
    const { outcome, coordinator } = await flow.startCoordinator();
    await until('chunks are cut', () => coordinator.progress().chunks.complete);
    const seen = coordinator.progress().backends.find((it) => it.name === 'rabbitmq');

    proxy.set('passing');

    expect(seen).toMatchObject({ ok: false, since: expect.any(String) });
    expect(await outcome).toBe('Complete');
    await expectAllLoaded(flow, 1_000);
  });

  it('survives a broker that cuts all connections during the work', async () => {
    await using proxy = await faultProxy(brokerUrl());
    await using flow = await importFlow({ content: csv(3_000), brokerUrl: () => proxy.url });
    const running = flow.run();

    for (const least of [1, 10, 30]) {
      await until(`${least} chunks are done`, () => someDone(flow, least));
      proxy.set('stopped');
      proxy.set('passing');
    }

    const { outcome } = await running;
    expect(await outcome).toBe('Complete');
    await expectAllLoaded(flow, 3_000);
  }, 60_000);

  it('shows a frozen Postgres within seconds and loads on when it thaws', async () => {
    let proxyUrl = '';
    await using flow = await importFlow({ content: csv(500), postgresUrl: () => proxyUrl });
    await using proxy = await faultProxy(flow.server.appUrl);
    proxyUrl = proxy.url;
    const { outcome, coordinator } = await flow.startCoordinator();
    const postgres = () => coordinator.progress().backends.find((it) => it.name === 'postgres');
    await until('chunks are cut', () => coordinator.progress().chunks.complete);

    proxy.set('frozen');
    await until('it is shown', () => postgres()?.ok === false);
    const seen = coordinator.progress();
    proxy.set('stopped');
    proxy.set('passing');
    flow.startWorker();

    expect(seen.reason).toMatch(/Silent|ConnectTimeout/);
    expect(await outcome).toBe('Complete');
    await expectAllLoaded(flow, 500);
  }, 60_000);

  it('shows a wrong password and goes on when it is corrected', async () => {
    let isCorrected = false;
    await using flow = await importFlow({
      content: csv(100),
      postgresUrl: (server) => {
        const url = new URL(server.appUrl);
        if (!isCorrected) url.password = 'wrong';
        return url.href;
      },
    });
    flow.startWorker();
    const { outcome, coordinator } = await flow.startCoordinator();
    await until('the refusal is shown', () => coordinator.progress().reason !== undefined);
    const seen = coordinator.progress();

    isCorrected = true;

    expect(seen.reason).toBe('AuthenticationFailed');
    expect(seen.message).not.toContain('wrong');
    expect(await outcome).toBe('Complete');
    await expectAllLoaded(flow, 100);
  });
});

describe.skipIf(needed)('messages on the queue', () => {
  it('are harmless in any number and order', async () => {
    await using flow = await importFlow({ content: csv(500, 100) });
    const { outcome, coordinator } = await flow.startCoordinator();
    await until('chunks are cut', () => coordinator.progress().chunks.complete);
    const { planned } = coordinator.progress().chunks;

    for (let round = 0; round < 3; round += 1) {
      for (let chunk = planned - 1; chunk >= 0; chunk -= 1) await send(flow, message(flow, chunk));
    }
    const workers = [flow.startWorker(), flow.startWorker(), flow.startWorker()];

    expect(await outcome).toBe('Complete');
    expect(coordinator.progress().totals).toMatchObject({
      read: 500,
      loaded: 100,
      superseded: 400,
    });
    await Promise.all(workers.map((worker) => worker.stop()));
  });

  it('that nobody understands go to the dead letters and hold up no other', async () => {
    await using flow = await importFlow({ content: csv(500) });
    const { outcome, coordinator } = await flow.startCoordinator();
    await until('chunks are cut', () => coordinator.progress().chunks.complete);

    await send(flow, Buffer.from('not json'));
    await send(flow, Buffer.from('{"v":2,"import":"x","chunk":0}'));
    await send(flow, Buffer.from('{"v":1}'));
    await send(flow, message(flow, 0), 'text/csv');
    await send(flow, message(flow, 1_000_000));
    flow.startWorker();

    expect(await outcome).toBe('Complete');
    await expectAllLoaded(flow, 500);
    await until('the dead letters are there', async () => {
      const count = await flow.link.ask('counting', (channel) =>
        channel.checkQueue(deadLetterName(flow.queue)),
      );
      return count.messageCount === 5;
    });
  });
});

describe.skipIf(needed)('two imports of one table', () => {
  it('take turns: the second waits with TargetInUse, and its rows are newer', async () => {
    await using shared = await database();
    await using first = await importFlow({ content: csv(200), shared });
    const running = await first.startCoordinator();
    await until(
      'the first holds the table',
      () => running.coordinator.progress().state === 'Loading',
    );
    await using second = await importFlow({ content: 'id,value\nk0,newer\n', shared });
    second.startWorker();
    const waiting = await second.startCoordinator();
    await until('the second waits', () => waiting.coordinator.progress().reason === 'TargetInUse');

    first.startWorker();

    expect(await running.outcome).toBe('Complete');
    expect(await waiting.outcome).toBe('Complete');
    expect((await second.rows()).find((row) => row.id === 'k0')?.value).toBe('newer');
  });

  it('fence off a holder that gives no sign of life, whose workers can then commit nothing', async () => {
    await using shared = await database();
    await using first = await importFlow({ content: csv(500), shared });
    const gone = await first.startCoordinator();
    await until('chunks are cut', () => gone.coordinator.progress().chunks.complete);
    await gone.stop();

    await using second = await importFlow({
      content: 'id,value\nk0,newer\n',
      shared,
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
    await using shared = await database();
    const content = `${csv(50)}ragged\n`;
    await using first = await importFlow({ content, shared });
    const strict = await first.startCoordinator({ rejects: { maxRows: 0, maxPercent: 100 } });
    first.startWorker();
    expect(await strict.outcome).toBe('Failed');

    await using second = await importFlow({ content: 'id,value\nk0,newer\n', shared });
    await second.run();
    const raised = await first.startCoordinator();

    expect(await raised.outcome).toBe('Failed');
    expect(raised.coordinator.progress().reason).toBe('TargetLost');
    expect((await second.rows()).find((row) => row.id === 'k0')?.value).toBe('newer');
  });
});
