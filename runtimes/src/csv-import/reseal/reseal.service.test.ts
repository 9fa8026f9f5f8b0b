/** Rotation of keys on a real server: while workers load, interrupted, and with the old key gone after. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { ColumnSpec } from '@millrace/crds/csv-import';
import { systemClock } from '@millrace/kit/clock';
import { createLog } from '@millrace/kit/log';
import { createMetrics } from '@millrace/kit/metrics';
import { lacks } from '../../../test/backends.ts';
import { preparedImport, sourceOf, type PreparedImport } from '../../../test/prepared-import.ts';
import { fixedKeys, sealingKeys } from '../../../test/sealing-keys.ts';
import { sealingKeysInUse } from '../../chunks/sealing-keys.ts';
import { blindIndex } from '../../sealing/blind-index.ts';
import { columnPlace, rejectPlace, valuePlace } from '../../sealing/associated-data.ts';
import { Sealer } from '../../sealing/sealer.ts';
import type { KeyRingReader } from '../../sealing/key-ring.ts';
import { Opener } from '../../sealing/opener.ts';
import { rejectBytes } from '../load/sealed-rejects.ts';
import { createSink } from '../load/sink.ts';
import { importTelemetry } from '../telemetry.ts';
import { readContext, workChunk, type ChunkWorkOptions } from '../worker/chunk-work.ts';
import { resealTable, type ResealOptions } from './reseal.ts';

const columns: ColumnSpec[] = [
  { name: 'id', type: 'bigint' },
  { name: 'email', type: 'text', sealed: true, searchable: true },
  { name: 'score', type: 'integer', sealed: true },
];
const records = 400;
const emailOf = (id: number): string => (id % 7 === 0 ? '' : `user${id}@example.com`);
const lines = Array.from({ length: records }, (_, id) =>
  id % 50 === 49 ? `${id},broken ${id}` : `${id},${emailOf(id)},${id % 5 === 0 ? '' : id}`,
);
const content = `id,email,score\n${lines.join('\n')}\n`;

const log = createLog({ level: 'silent', bindings: {}, fd: 2 });

async function load(
  it: PreparedImport,
  chunks: readonly number[],
  keys: KeyRingReader,
): Promise<void> {
  const options: ChunkWorkOptions = {
    config: it.config,
    db: it.app,
    sink: createSink({ config: it.config, keys }),
    source: sourceOf(it.config),
    clock: systemClock,
    telemetry: importTelemetry(log, createMetrics({})),
    name: 'worker',
  };
  const context = await readContext(options);
  for (const chunk of chunks) await workChunk(chunk, context, options);
}

function resealing(it: PreparedImport, keys: KeyRingReader): ResealOptions {
  return { config: it.config, owner: it.owner, keys, clock: systemClock, blocksAtOnce: 2 };
}

async function resealProcess({ env, config }: PreparedImport, keys: string) {
  const main = fileURLToPath(new URL('../../main.ts', import.meta.url));
  const child = spawn(process.execPath, [main, 'csv-import', 'reseal'], {
    env: { ...env, SEALING_KEYS: keys, LOG_LEVEL: 'silent' },
  });
  const [code] = (await once(child, 'close')) as [number];
  return { code, words: JSON.parse(await readFile(config.terminationLog, 'utf8')) as unknown };
}

/** Everything opened with these keys alone, and searched for by their index. */
async function expectAll(it: PreparedImport, keys: KeyRingReader): Promise<void> {
  const opener = new Opener(keys);
  const { active } = keys.current();
  const { rows } = await it.owner.query<{
    id: number;
    key: Buffer;
    email: Buffer;
    bidx: Buffer;
    score: Buffer | null;
  }>('SELECT id::int AS id, int8send(id) AS key, email, email_bidx AS bidx, score FROM things');
  expect(rows).toHaveLength(records - records / 50);
  for (const { id, key, email, bidx, score } of rows) {
    const at = (column: string): Buffer =>
      valuePlace(columnPlace('things', column), [{ type: 'bigint', bytes: key }]);
    const plain = opener.open(email, at('email'));
    expect(plain.toString()).toBe(emailOf(id));
    expect(bidx).toEqual(blindIndex(active, columnPlace('things', 'email'), plain));
    const value = score === null ? null : opener.open(score, at('score')).readInt32BE(0);
    expect(value).toBe(id % 5 === 0 ? null : id);
  }
  const rejects = await it.owner.query<{ offset: string; raw: Buffer; sealed: boolean }>(
    'SELECT record_offset AS offset, raw, raw_sealed AS sealed FROM things_rejects ORDER BY 1',
  );
  expect(rejects.rows).toHaveLength(records / 50);
  const [first] = rejects.rows;
  const raw = rejectBytes(opener, {
    table: 'things',
    import: it.uid,
    recordOffset: Number(first?.offset),
    raw: first?.raw ?? Buffer.alloc(0),
    isSealed: first?.sealed ?? false,
  });
  expect(raw.toString()).toBe('49,broken 49');
}

describe.skipIf(lacks('postgres'))('a reseal', () => {
  it('leaves nothing under the old key, though workers load with either meanwhile', async () => {
    await using it = await preparedImport(content, { columns });
    const before = fixedKeys('old', 'new');
    const after = fixedKeys('new', 'old');
    const half = it.chunks.length >> 1;
    await load(it, it.chunks.slice(0, half), before);
    // The last workers that have not heard of the promotion, those that have, and the reseal.
    const quarter = (half + it.chunks.length) >> 1;
    await Promise.all([
      load(it, it.chunks.slice(half, quarter), before),
      load(it, it.chunks.slice(quarter), after),
      resealTable(resealing(it, after)),
    ]);

    const report = await resealTable(resealing(it, after));

    expect(report).toMatchObject({ active: 'new', stillInUse: [] });
    expect(await sealingKeysInUse(it.owner, 'things')).toEqual(['new']);
    await expectAll(it, fixedKeys('new'));
    expect(await resealTable(resealing(it, after))).toMatchObject({ rows: 0, rejects: 0 });

    // The same as a process of the import.
    const rejects = records / 50;
    expect(await resealProcess(it, sealingKeys('newest', 'new'))).toEqual({
      code: 0,
      words: { active: 'newest', rows: records - rejects, rejects, stillInUse: [] },
    });
    await expectAll(it, fixedKeys('newest'));
  }, 60_000);

  it('names a key it lacks, goes on where it was stopped, and a locked row keeps its key in use', async () => {
    await using it = await preparedImport(content, { columns });
    await load(it, it.chunks, fixedKeys('old'));
    await expect(resealTable(resealing(it, fixedKeys('new')))).rejects.toMatchObject({
      code: 'SealingKeyMissing',
      message: expect.stringContaining('key old') as string,
    });
    const after = fixedKeys('new', 'old');
    const stop = new AbortController();
    const stopped = resealTable({
      ...resealing(it, after),
      signal: stop.signal,
      progressed: () => stop.abort(),
    });
    await expect(stopped).rejects.toThrow();
    const record = new Sealer(fixedKeys('old').current().active).seal(
      Buffer.from('repaired'),
      rejectPlace('things', it.uid, 0),
    );
    await it.owner.query(
      `INSERT INTO millrace.replays (import, record_offset, chunk, reason, superseded, record, record_sealed)
       VALUES ($1, $2, 0, 'Ragged', false, $3, true)`,
      [it.uid, 0, record],
    );
    // Some are under each key now, and all of them open.
    const { rows } = await it.owner.query<{ heads: string }>(
      `SELECT count(DISTINCT substring(email FROM 1 FOR 5)) AS heads FROM things`,
    );
    expect(Number(rows[0]?.heads)).toBe(2);

    await it.app.transaction(async (tx) => {
      await tx.query('SELECT FROM things WHERE id = 380 FOR UPDATE');
      const noWait = { ...systemClock, sleep: () => Promise.resolve() };
      const report = await resealTable({ ...resealing(it, after), clock: noWait });
      expect(report.stillInUse).toEqual(['old']);
    });
    const report = await resealTable(resealing(it, after));
    expect(report).toMatchObject({ rows: 1, rejects: 0, stillInUse: [] });
    await expectAll(it, fixedKeys('new'));
    const replays = await it.owner.query<{ record: Buffer }>('SELECT record FROM millrace.replays');
    const [replay] = replays.rows;
    expect(
      new Opener(fixedKeys('new'))
        .open(replay?.record ?? record, rejectPlace('things', it.uid, 0))
        .toString(),
    ).toBe('repaired');
  });
});
