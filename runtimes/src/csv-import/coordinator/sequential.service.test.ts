import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { lacks } from '../../../test/backends.ts';
import { database, type TestDatabase } from '../../../test/database.ts';
import { importFlow, type ImportFlow } from '../../../test/import-flow.ts';
import { until } from '../../../test/until.ts';
import { webServer, type WebServer } from '../../../test/web-server.ts';

/** Some eight chunks of 1 KiB, with lines of differing lengths and a quoted line end. */
const records = 400;
const plain = `id,value\n${Array.from({ length: records }, (_, n) =>
  n === 200 ? `k${n},"two\nlines"\n` : `k${n},value ${n}\n`,
).join('')}`;

interface Loaded {
  readonly id: string;
  readonly value: string;
  readonly offset: number;
}

/** Offsets are the low 43 bits of positions. */
async function loaded(flow: ImportFlow): Promise<Loaded[]> {
  const rows = await flow.rows();
  return rows
    .map(({ id, value, pos }) => ({ id, value, offset: Number(BigInt(pos) % 2n ** 43n) }))
    .toSorted((one, other) => one.offset - other.offset);
}

const expected: readonly Loaded[] = Array.from({ length: records }, (_, n) => {
  const line = n === 200 ? `k${n},"two\nlines"` : `k${n},value ${n}`;
  const value = n === 200 ? 'two\nlines' : `value ${n}`;
  return { id: `k${n}`, value, offset: plain.indexOf(`${line}\n`) };
});

async function doneChunks(flow: ImportFlow): Promise<number> {
  const { rows } = await flow.db
    .query<{ done: number }>(
      'SELECT count(*)::int AS done FROM millrace.chunks WHERE done_at IS NOT NULL AND import = $1',
      [flow.uid],
    )
    .catch(() => ({ rows: [{ done: 0 }] }));
  return rows[0]?.done ?? 0;
}

async function webFlow(server: WebServer, options: Partial<FlowInput> = {}): Promise<ImportFlow> {
  const config = { source: { http: { url: server.url } }, ...options.config };
  return await importFlow({ content: '', ...options, config });
}

type FlowInput = Parameters<typeof importFlow>[0];

describe.skipIf(lacks('postgres', 'rabbitmq'))('a source that is read from its start', () => {
  it('is loaded by the coordinator alone, at the positions of its inflated bytes', async () => {
    const bytes = Buffer.from(plain);
    const members = [bytes.subarray(0, 1_500), bytes.subarray(1_500, 1_501), bytes.subarray(1_501)];
    const packed = Buffer.concat(members.map((member) => gzipSync(member)));
    await using flow = await importFlow({ content: packed });

    const { coordinator, outcome } = await flow.startCoordinator();

    expect(await outcome).toBe('Complete');
    expect(await loaded(flow)).toEqual(expected);
    expect(coordinator.progress()).toMatchObject({
      totals: { read: records, loaded: records, rejected: 0 },
      bytes: { source: bytes.length, planned: bytes.length, done: bytes.length },
      sequential: expect.stringContaining('gzip') as string,
      workers: { wanted: 0, why: expect.stringContaining('gzip') as string },
    });
  });
});
