import { systemClock } from '@millrace/kit/clock';
import type { Failure } from '@millrace/kit/failure';
import { describe, expect, it } from 'vitest';
import { lacks } from '../../../test/backends.ts';
import { incrementStreams, itemsOf, keyOf } from '../../../test/increment-streams.ts';
import {
  incrementConfig,
  preparedPipeline,
  type PreparedPipeline,
} from '../../../test/increment-worker.ts';
import { until } from '../../../test/until.ts';
import { hasRequestDays } from '../setup/request-days.ts';
import { keepRequestDays, runRequestDays, type RequestDaysOptions } from './request-days.ts';

const dayMs = 86_400_000;
const hourMs = 3_600_000;

async function days({ owner }: PreparedPipeline): Promise<readonly string[]> {
  const { rows } = await owner.query<{ name: string }>(
    `SELECT inhrelid::regclass::text AS name FROM pg_inherits
     WHERE inhparent = 'millrace.increment_requests'::regclass ORDER BY 1`,
  );
  return rows.map(({ name }) => name.slice(-8));
}

/** The day (UTC) so many days from now, as its table is named. */
function dayAt(offset: number): string {
  return new Date(Date.now() + offset * dayMs).toISOString().slice(0, 10).replaceAll('-', '');
}

async function addDay({ owner }: PreparedPipeline, offset: number): Promise<void> {
  await owner.query(
    `CREATE TABLE millrace.increment_requests_${dayAt(offset)}
     PARTITION OF millrace.increment_requests
     FOR VALUES FROM ('${dayAt(offset)} 00:00:00+00') TO ('${dayAt(offset + 1)} 00:00:00+00')`,
  );
}

describe.skipIf(lacks('postgres', 'redis'))('the days of requests', () => {
  it('are made a week ahead, and dropped when no repetition can be in them', async () => {
    const idempotency = { windowMs: 2 * dayMs, maxKeys: 1_000 };
    await using pipeline = await preparedPipeline({ idempotency }, undefined);
    await using streams = await incrementStreams(pipeline);
    const { owner, config, db } = pipeline;
    const parts: RequestDaysOptions = {
      config,
      db,
      owner,
      link: streams.link,
      clock: systemClock,
      telemetry: { waiting: () => undefined },
    };
    for (const offset of [-9, -4, -3, -2]) await addDay(pipeline, offset);
    await owner.query(`DROP TABLE millrace.increment_requests_${dayAt(7)}`);

    await keepRequestDays(parts);

    expect(await hasRequestDays(db, 7)).toBe(true);
    const kept = await days(pipeline);
    expect(kept).not.toContain(dayAt(-9));
    expect(kept).not.toContain(dayAt(-4));
    expect(kept).toContain(dayAt(-2));
  });

  it('stay while an increment that is older waits to be committed', async () => {
    const idempotency = { windowMs: hourMs, maxKeys: 1_000 };
    await using pipeline = await preparedPipeline({ idempotency }, undefined);
    await using streams = await incrementStreams(pipeline);
    const { owner, config, db, uid } = pipeline;
    const { link } = streams;
    const telemetry = { waiting: () => undefined };
    const parts = { config, db, owner, link, clock: systemClock, telemetry };
    for (const offset of [-7, -5, -3]) await addDay(pipeline, offset);
    const key = `millrace:{${uid}}:1:1`;
    const acceptedMs = Date.now() - 5 * dayMs;
    await link.call('Appending', [
      'XADD',
      key,
      `${String(acceptedMs)}-0`,
      '1',
      itemsOf([keyOf(1), 1]),
    ]);

    await keepRequestDays(parts);
    expect(await days(pipeline)).toEqual(expect.arrayContaining([dayAt(-5), dayAt(-3)]));
    expect(await days(pipeline)).not.toContain(dayAt(-7));
    await owner.query('UPDATE millrace.increment_partitions SET last_id = $1 WHERE partition = 1', [
      `${String(acceptedMs)}-0`,
    ]);
    await keepRequestDays(parts);

    expect(await days(pipeline)).not.toContain(dayAt(-5));
    expect(await days(pipeline)).not.toContain(dayAt(-3));
  });

  it('stay while another pipeline of the database needs them', async () => {
    const idempotency = { windowMs: hourMs, maxKeys: 1_000 };
    await using pipeline = await preparedPipeline({ idempotency }, undefined);
    await using streams = await incrementStreams(pipeline);
    const { owner, config, db } = pipeline;
    const telemetry = { waiting: () => undefined };
    const parts = { config, db, owner, link: streams.link, clock: systemClock, telemetry };
    await pipeline.prepare(
      incrementConfig({ idempotency: { windowMs: 7 * dayMs, maxKeys: 1_000 } }),
    );
    await addDay(pipeline, -5);

    await keepRequestDays(parts);

    expect(await days(pipeline)).toContain(dayAt(-5));
  });

  it('are not needed for a day or two: without the owner’s rights a worker goes on', async () => {
    await using pipeline = await preparedPipeline();
    await using streams = await incrementStreams(pipeline);
    const { owner, config, db } = pipeline;
    await owner.query(`DROP TABLE millrace.increment_requests_${dayAt(7)}`);
    const failures: Failure[] = [];
    const stop = new AbortController();
    const running = runRequestDays(
      {
        config,
        db,
        owner: db,
        link: streams.link,
        clock: systemClock,
        telemetry: { waiting: (failure) => void failures.push(failure) },
      },
      stop.signal,
    );

    await until('it was refused', () => failures.length > 0);
    stop.abort();
    await running;

    expect(failures.map(({ code }) => code)).toEqual(['PermissionDenied']);
  });
});
