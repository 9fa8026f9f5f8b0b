import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lacks } from '../../../test/backends.ts';
import { goodCertificate } from '../../../test/certificates.ts';
import { database, type TestDatabase } from '../../../test/database.ts';
import { importFlow, type FlowOptions, type ImportFlow } from '../../../test/import-flow.ts';
import { sourceOf } from '../../../test/prepared-import.ts';
import { tlsFront } from '../../../test/tls-front.ts';
import { until } from '../../../test/until.ts';
import { webServer } from '../../../test/web-server.ts';
import { appendChunks, readPlan } from '../../chunks/plan.ts';
import { readImport } from '../../chunks/imports.ts';
import { verifyImport } from '../verify/verify.ts';
import type { DoneChunk } from '../warm/warm-writer.ts';

const records = 400;
/** Some eight chunks of 1 KiB, with lines of differing lengths and a quoted line end. */
const lines = Array.from({ length: records }, (_, n) =>
  n === 200 ? `k${n},"two\nlines"\n` : `k${n},value ${n}\n`,
);
const plain = `id,value\n${lines.join('')}`;

interface Loaded {
  readonly id: string;
  readonly value: string;
  readonly offset: number;
}

const expected: readonly Loaded[] = lines.map((line, n) => ({
  id: `k${n}`,
  value: n === 200 ? 'two\nlines' : `value ${n}`,
  offset: plain.indexOf(line),
}));

/** Offsets are the low 43 bits of positions. */
async function loaded(flow: ImportFlow): Promise<Loaded[]> {
  const rows = await flow.rows();
  return rows
    .map(({ id, value, pos }) => ({ id, value, offset: Number(BigInt(pos) % 2n ** 43n) }))
    .toSorted((one, other) => one.offset - other.offset);
}

/** Holds the loading up in one chunk until a test says otherwise. */
function gate(
  held = 3,
): Pick<FlowOptions, 'afterLoad'> & { open(): void; readonly isReached: boolean } {
  let [isOpen, isReached] = [false, false];
  return {
    open: () => {
      isOpen = true;
    },
    get isReached() {
      return isReached;
    },
    afterLoad: async (_tx, { chunk }) => {
      if (chunk !== held || isOpen) return;
      isReached = true;
      await until('the gate is open', () => isOpen);
    },
  };
}

describe.skipIf(lacks('postgres', 'rabbitmq'))('a source that is read from its start', () => {
  let shared: TestDatabase;
  beforeAll(async () => {
    shared = await database();
  });
  afterAll(async () => {
    await shared[Symbol.asyncDispose]();
  });

  async function webFlow(
    url: string,
    options: Pick<FlowOptions, 'afterLoad' | 'bump' | 'config'> & { readonly table: string },
  ): Promise<ImportFlow> {
    const config = { source: { http: { url } }, ...options.config };
    return await importFlow({ content: '', shared, ...options, config });
  }

  it('is loaded by the coordinator alone, at the positions of its inflated bytes', async () => {
    const bytes = Buffer.from(plain);
    const members = [bytes.subarray(0, 1_500), bytes.subarray(1_500, 1_501), bytes.subarray(1_501)];
    const content = Buffer.concat(members.map((member) => gzipSync(member)));
    await using flow = await importFlow({ content, shared, table: 'inflated', realSink: true });

    const { coordinator, outcome } = await flow.startCoordinator();

    expect(await outcome).toBe('Complete');
    expect(await loaded(flow)).toEqual(expected);
    expect(coordinator.progress()).toMatchObject({
      totals: { read: records, loaded: records, rejected: 0 },
      bytes: { source: bytes.length, planned: bytes.length, done: bytes.length },
      sequential: expect.stringContaining('gzip') as string,
      workers: { wanted: 0, why: expect.stringContaining('gzip') as string },
    });
    const source = sourceOf(flow.config);
    const db = flow.openAsWorkingRole();
    const report = await verifyImport({ config: flow.config, db, sink: flow.sink, source });
    await db[Symbol.asyncDispose]();
    expect(report).toMatchObject({ equal: true, compared: { bytes: bytes.length, records } });
  });

  it('goes on after its coordinator was stopped, and through cuts and refusals', async () => {
    await using server = await webServer(plain);
    server.set({ ranges: false, etag: undefined, length: 'Chunked' });
    const at = gate();
    const bumps: string[] = [];
    const bump = async (done?: DoneChunk): Promise<void> => {
      bumps.push(done?.outcome ?? 'Everything');
    };
    await using flow = await webFlow(server.url, { ...at, bump, table: 'resumed' });
    const first = await flow.startCoordinator();
    await until('a chunk is in hand', () => at.isReached);
    const stopped = first.stop();
    at.open();
    expect(await stopped).toBe('Stopped');
    bumps.length = 0;

    server.set({ statuses: [503], retryAfter: '0', cutAfter: [3_000] });
    const { coordinator, outcome } = await flow.startCoordinator();

    expect(await outcome).toBe('Complete');
    expect(await loaded(flow)).toEqual(expected);
    expect(coordinator.progress()).toMatchObject({
      totals: { read: records, loaded: records },
      sequential: expect.stringContaining('no ranges') as string,
    });
    // Nobody knows whether what was done before was followed by a bump.
    expect(bumps[0]).toBe('Everything');
    const { rows } = await flow.db.query(
      'SELECT DISTINCT worker FROM millrace.chunks WHERE import = $1',
      [flow.uid],
    );
    expect(rows).toEqual([{ worker: 'coordinator' }]);
  });

  it('is loaded whole though another coordinator plans a part of it meanwhile', async () => {
    let isPlanned = false;
    await using flow: ImportFlow = await importFlow({
      content: gzipSync(plain),
      shared,
      table: 'raced',
      afterLoad: async (tx, { chunk }) => {
        if (chunk !== 2 || isPlanned) return;
        isPlanned = true;
        const { plannedTo: offset, nextLine: firstLine } = await readPlan(tx, flow.uid);
        const last = { offset, length: plain.length - offset, firstLine, tooLong: false };
        await appendChunks(tx, flow.uid, {
          chunks: [last],
          nextLine: records + 3,
          complete: true,
        });
      },
    });

    const { outcome } = await flow.startCoordinator();

    expect(await outcome).toBe('Complete');
    expect(isPlanned).toBe(true);
    expect(await loaded(flow)).toEqual(expected);
  });

  it('that has another content when it is read again fails, also far behind its beginning', async () => {
    const padding = 'x'.repeat(3_300);
    const long = Array.from({ length: 500 }, (_, n) => `k${n},value ${n} ${padding}\n`).join('');
    await using server = await webServer(`id,value\n${long}`);
    server.set({ ranges: false, etag: undefined });
    const at = gate(5);
    const config = { chunkBytes: 262_144 };
    let bumps = 0;
    const bump = async (): Promise<void> => {
      bumps += 1;
    };
    await using flow = await webFlow(server.url, { ...at, bump, config, table: 'changed' });
    const first = await flow.startCoordinator();
    await until('a chunk is in hand', () => at.isReached);
    const stopped = first.stop();
    at.open();
    await stopped;

    // Of the same length, and behind the first MiB, so that only the digest of its chunk tells.
    const other = long.replace('value 350 ', 'VALUE 350 ');
    server.set({ content: Buffer.from(`id,value\n${other}`) });
    const { coordinator, outcome } = await flow.startCoordinator();

    expect(await outcome).toBe('Failed');
    expect(coordinator.progress()).toMatchObject({ state: 'Failed', reason: 'SourceChanged' });
    // The coordinator that failed may have died before its bump.
    bumps = 0;
    const again = await flow.startCoordinator();
    expect(await again.outcome).toBe('Failed');
    expect(bumps).toBe(1);
  });

  it('that ends in the middle of its compression loads what came before, and says so', async () => {
    const packed = gzipSync(plain);
    const content = packed.subarray(0, packed.length - 300);
    const states: unknown[] = [];
    const bump = async (): Promise<void> => {
      states.push((await readImport(flow.db, flow.uid))?.state);
    };
    await using flow: ImportFlow = await importFlow({ content, shared, bump, table: 'cut' });

    const { coordinator, outcome } = await flow.startCoordinator();

    expect(await outcome).toBe('Failed');
    const { reason, message, totals } = coordinator.progress();
    expect(reason).toBe('GzipBroken');
    expect(message).toMatch(/data\.csv ends in the middle of its compressed content/);
    expect(totals.loaded).toBeGreaterThan(100);
    expect(await loaded(flow)).toEqual(expected.slice(0, totals.loaded));
    // What nobody followed by a bump is stale when nothing can be committed any more.
    expect(states.at(-1)).toBe('Failed');
  });

  it('is none where the server has ranges and a strong ETag: workers load it, once they trust it', async () => {
    await using server = await webServer(plain);
    server.set({ cutAfter: [10, 700] });
    const certificate = await goodCertificate();
    await using front = await tlsFront(server.url, certificate);
    await using flow = await webFlow(front.url, { table: 'ranged' });
    const { coordinator, outcome } = await flow.startCoordinator();
    const shown = (): string | undefined => coordinator.progress().reason;

    await until('the certificate is refused', () => shown() === 'SourceUntrusted');
    await writeFile(join(dirname(flow.file), 'CA_BUNDLE'), certificate.authority);
    flow.startWorker();

    expect(await outcome).toBe('Complete');
    expect(await loaded(flow)).toEqual(expected);
    expect(coordinator.progress().sequential).toBeUndefined();
    const asked = server.seen.filter(({ range }) => range !== 'bytes=0-0');
    expect(asked.every(({ ifRange }) => ifRange === '"v1"')).toBe(true);
  });
});
