import { describe, expect, it } from 'vitest';
import { Transient } from '@millrace/kit/transient';
import { brokerUrl, lacks } from '../../test/backends.ts';
import { faultProxy } from '../../test/fault-proxy.ts';
import type { ImportFlow } from '../../test/import-flow.ts';
import { expectAllLoaded, importFlows, numberedCsv as csv } from '../../test/import-flows.ts';
import { until } from '../../test/until.ts';
import { readImport } from '../chunks/imports.ts';

const needed = lacks('postgres', 'rabbitmq');
const flowOf = importFlows(needed);

/** Before the ledger exists nothing is done. */
async function someDone(flow: ImportFlow, least: number): Promise<boolean> {
  const done = await flow.db
    .query<{ done: number }>(
      `SELECT count(*)::int AS done FROM millrace.chunks WHERE import = $1 AND done_at IS NOT NULL`,
      [flow.uid],
    )
    .then(({ rows }) => rows[0]?.done ?? 0)
    .catch(() => 0);
  return done >= least;
}

describe.skipIf(needed)('an import whose processes die', () => {
  it('loads a chunk again when its worker dies between COPY and commit', async () => {
    let kills = 0;
    await using flow = await flowOf({
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
    await using flow: ImportFlow = await flowOf({
      content: csv(300),
      bump: async () => {
        order.push((await readImport(flow.db, flow.uid))?.state ?? '');
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
    await using flow = await flowOf({ content: csv(1_000) });
    const first = await flow.startCoordinator();
    await until('chunks are cut', () => first.coordinator.progress().chunks.planned > 0);
    expect(await first.stop()).toBe('Stopped');

    const { coordinator, outcome } = await flow.run();

    expect(await outcome).toBe('Complete');
    expect(coordinator.progress().totals).toMatchObject({ read: 1_000, loaded: 1_000 });
  });

  it('reports the same totals again when it is started after Complete', async () => {
    await using flow = await flowOf({ content: csv(100, 50) });
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
    await using flow = await flowOf({ content: csv(1_000) });
    flow.startWorker();

    const both = await Promise.all([flow.startCoordinator(), flow.startCoordinator()]);
    const outcomes = await Promise.all(both.map((it) => it.outcome));

    expect(outcomes).toEqual(['Complete', 'Complete']);
    await expectAllLoaded(flow, 1_000);
  });
});

describe.skipIf(needed)('an import whose backends fail', () => {
  it('survives the end of every Postgres connection, again and again', async () => {
    await using flow = await flowOf({ content: csv(2_000) });
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
    expect(coordinator.progress().totals).toMatchObject({ read: 2_000, loaded: 2_000 });
    await expectAllLoaded(flow, 2_000);
  }, 60_000);

  it('publishes again what a deleted queue held', async () => {
    await using flow = await flowOf({ content: csv(1_000) });
    const { outcome, coordinator } = await flow.startCoordinator();
    await until('chunks are cut', () => coordinator.progress().chunks.complete);

    await flow.link.ask('deleting', (channel) => channel.deleteQueue(flow.queue));
    flow.startWorker();

    expect(await outcome).toBe('Complete');
    await expectAllLoaded(flow, 1_000);
  });

  it('shows that the broker is away, goes on cutting, and loads once it is back', async () => {
    await using proxy = await faultProxy(brokerUrl());
    proxy.set('stopped');
    await using flow = await flowOf({ content: csv(1_000), brokerUrl: () => proxy.url });
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
    await using flow = await flowOf({ content: csv(2_000), brokerUrl: () => proxy.url });
    const running = flow.run();

    for (const least of [1, 8, 20]) {
      await until(`${least} chunks are done`, () => someDone(flow, least));
      proxy.set('stopped');
      proxy.set('passing');
    }

    const { outcome } = await running;
    expect(await outcome).toBe('Complete');
    await expectAllLoaded(flow, 2_000);
  }, 60_000);

  it('shows a frozen Postgres within seconds and loads on when it thaws', async () => {
    let proxyUrl = '';
    await using flow = await flowOf({ content: csv(500), postgresUrl: () => proxyUrl });
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
    await using flow = await flowOf({
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
