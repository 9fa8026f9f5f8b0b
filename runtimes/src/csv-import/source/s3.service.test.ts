import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lacks } from '../../../test/backends.ts';
import { bucket } from '../../../test/bucket.ts';
import { database, type TestDatabase } from '../../../test/database.ts';
import { faultProxy } from '../../../test/fault-proxy.ts';
import { importFlow, type ImportFlow } from '../../../test/import-flow.ts';
import { until } from '../../../test/until.ts';

function csv(version: string, count: number): string {
  const lines = Array.from({ length: count }, (_, id) => `${id},${version} ${id}`);
  return `id,value\n${lines.join('\n')}\n`;
}

async function doneChunks(flow: ImportFlow): Promise<number> {
  const { rows } = await flow.db.query<{ done: number }>(
    'SELECT count(*)::int AS done FROM millrace.chunks WHERE import = $1 AND done_at IS NOT NULL',
    [flow.uid],
  );
  return rows[0]?.done ?? 0;
}

const needed = lacks('postgres', 'rabbitmq', 's3');

describe.skipIf(needed)('an import of an object of an S3 store', () => {
  let shared: TestDatabase;
  beforeAll(async () => {
    shared = await database();
  });
  afterAll(async () => {
    await shared[Symbol.asyncDispose]();
  });

  it('waits for keys and for the store, and loads the version it began with', async () => {
    await using at = await bucket();
    await at.keepVersions();
    const key = 'drops/users.csv';
    await at.put(key, csv('first', 600));
    await using proxy = await faultProxy(at.settings.endpoint);
    const backendsDir = await at.secret({ S3_ENDPOINT: proxy.url, S3_SECRET_ACCESS_KEY: 'old' });
    const config = { source: { s3: { bucket: at.name, key } }, backendsDir };
    await using flow = await importFlow({ content: '', shared, table: 'versions', config });
    const { coordinator, outcome } = await flow.startCoordinator();
    const shown = (): string | undefined => coordinator.progress().reason;

    await until('the refused key is shown', () => shown() === 'SourceRefused');
    await at.secret({ S3_ENDPOINT: proxy.url });
    flow.startWorker();
    await until('a chunk is done', async () => (await doneChunks(flow).catch(() => 0)) > 0);
    proxy.set('stopped');
    await at.put(key, csv('later', 600));
    const before = await doneChunks(flow);
    proxy.set('passing');

    expect(await outcome).toBe('Complete');
    expect(before).toBeLessThan(coordinator.progress().chunks.done);
    const rows = await flow.rows();
    expect(rows).toHaveLength(600);
    expect(rows.filter(({ value }) => !value.startsWith('first '))).toEqual([]);
  });

  it('fails instead of mixing two versions where the bucket keeps one', async () => {
    await using at = await bucket();
    const key = 'users.csv';
    await at.put(key, csv('first', 600));
    const config = { source: { s3: { bucket: at.name, key } }, backendsDir: await at.secret() };
    await using flow = await importFlow({ content: '', shared, table: 'mixtures', config });
    const { coordinator, outcome } = await flow.startCoordinator();
    await until('it is cut', () => coordinator.progress().chunks.complete);

    await at.put(key, csv('other', 600));
    flow.startWorker();

    expect(await outcome).toBe('Failed');
    expect(coordinator.progress()).toMatchObject({
      reason: 'SourceChanged',
      message: expect.stringContaining(`s3://${at.name}/users.csv changed`) as unknown,
    });
    const { rows } = await flow.db.query('SELECT FROM mixtures WHERE value LIKE $1', ['other %']);
    expect(rows).toEqual([]);
  });
});
