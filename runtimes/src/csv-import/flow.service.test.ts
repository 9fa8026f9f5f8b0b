import { appendFile, rm, utimes, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { lacks } from '../../test/backends.ts';
import type { ImportFlow } from '../../test/import-flow.ts';
import { expectAllLoaded, importFlows, numberedCsv as csv } from '../../test/import-flows.ts';
import { sourceOf } from '../../test/prepared-import.ts';
import { until } from '../../test/until.ts';
import { deadLetterName } from '../connectors/rabbitmq/queue.ts';
import { createSink } from './load/sink.ts';
import { encodeChunkMessage } from './messages.ts';
import { verifyImport } from './verify/verify.ts';

const needed = lacks('postgres', 'rabbitmq');
const flowOf = importFlows(needed);

async function send(flow: ImportFlow, body: Buffer, contentType = 'application/json') {
  await flow.link.ask('sending', async (channel) => {
    await channel.checkQueue(flow.queue);
    channel.sendToQueue(flow.queue, body, { contentType, persistent: true });
  });
}

function message(flow: ImportFlow, chunk: number): Buffer {
  return encodeChunkMessage({ v: 1, import: flow.uid, chunk, offset: 9, length: 1024 });
}

describe.skipIf(needed)('an import from file to verdict', () => {
  it('loads every record once and leaves no queue', async () => {
    await using flow = await flowOf({ content: csv(1_000) });

    const { coordinator, outcome } = await flow.run();

    expect(await outcome).toBe('Complete');
    expect(coordinator.progress()).toMatchObject({
      state: 'Complete',
      totals: { read: 1_000, loaded: 1_000, superseded: 0, rejected: 0 },
    });
    await expectAllLoaded(flow, 1_000);
    await expect(
      flow.link.ask('looking', (channel) => channel.checkQueue(flow.queue)),
    ).rejects.toMatchObject({ code: 'QueueMissing' });
  });

  it('counts superseded, rejected, blank and comment lines and names the line of a reject', async () => {
    const content = 'id,value\n# note\na,1\n\na,2\nragged\nb,3\n';
    await using flow = await flowOf({ content, config: { format: { comment: '#' } } });

    const { coordinator } = await flow.run();

    expect(coordinator.progress().totals).toEqual({
      read: 4,
      loaded: 2,
      superseded: 1,
      rejected: 1,
      comments: 1,
      blank: 1,
    });
    const { rows } = await flow.db.query(`SELECT line FROM ${flow.table}_rejects`);
    expect(rows).toEqual([{ line: '6' }]);
  });

  it('completes a file that holds nothing but a header', async () => {
    await using flow = await flowOf({ content: 'id,value\n' });

    const { coordinator, outcome } = await flow.run();

    expect(await outcome).toBe('Complete');
    expect(coordinator.progress()).toMatchObject({ totals: { read: 0, loaded: 0 } });
  });

  it('fails on an empty file without listed columns, and completes one with them', async () => {
    await using bare = await flowOf({ content: '' });
    await using listed = await flowOf({
      content: '',
      config: { columns: [{ name: 'id', type: 'text' }] },
    });

    const failed = await bare.run();
    const complete = await listed.run();

    expect(failed.coordinator.progress()).toMatchObject({ state: 'Failed', reason: 'EmptySource' });
    expect(complete.coordinator.progress().state).toBe('Complete');
  });

  it('fails with the path when the file is missing and starts over once it is there', async () => {
    await using flow = await flowOf({ content: '' });
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
    await using flow = await flowOf({ content: csv(500) });
    const { coordinator, outcome } = await flow.startCoordinator();
    await until('chunks are cut', () => coordinator.progress().chunks.complete);

    await appendFile(flow.file, 'late,row\n');
    flow.startWorker();

    expect(await outcome).toBe('Failed');
    expect(coordinator.progress().reason).toBe('SourceChanged');
  }, 40_000);

  it('fails when the file was replaced by one of the same size', async () => {
    await using flow = await flowOf({ content: csv(50) });
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
    const content = `id,value\n${'ragged\n'.repeat(20)}${csv(1_000).slice(9)}`;
    await using flow = await flowOf({ content });
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
    expect(raised.coordinator.progress().totals).toMatchObject({ loaded: 1_000, rejected: 20 });
    await worker.stop();
  });

  it('judges maxPercent on the whole file', async () => {
    const content = `id,value\n${'ragged\n'.repeat(9)}${csv(91).slice(9)}`;
    await using flow = await flowOf({ content });
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

interface Utf16Record {
  readonly text: string;
  /** What becomes of it: a row with this value, a reject, or nothing where its key comes again. */
  readonly value?: string;
  readonly reason?: string;
}

/** Lines end in CRLF, and values hold line ends and characters whose bytes look like such. */
function utf16Record(n: number): Utf16Record {
  if (n % 25 === 7) return { text: `x${n},"a\r\nb"`, reason: 'NotAnInteger' };
  if (n === 40) return { text: `${n},half \ud800`, reason: 'InvalidEncoding' };
  if (n === 60) return { text: `${n},a,b`, reason: 'Ragged' };
  if (n === 119) return { text: '0,again', value: 'again' };
  if (n === 0) return { text: '0,first' };
  const value = n % 3 === 0 ? `Ċ${n},\r\nഊ "two"\n\rlines` : `value ${n} 値`;
  return { text: `${n},"${value.replaceAll('"', '""')}"`, value };
}

/** A file with a mark, and where in it each record is. */
function utf16File() {
  let text = '\ufeffid,value\r\n';
  const records = Array.from({ length: 120 }, (_, n) => {
    const record = utf16Record(n);
    const place = { offset: 2 * text.length, line: text.split(/\r\n|\r|\n/).length };
    text += `${record.text}\r\n`;
    return { ...record, id: record.text.split(',')[0], ...place };
  });
  return { text, records };
}

describe.skipIf(needed)('a file in UTF-16', () => {
  it.each(['LE', 'BE'])(
    'is loaded by two workers in chunks with the places of its records, byte order %s',
    async (order) => {
      const encode = (text: string): Buffer => {
        const bytes = Buffer.from(text, 'utf16le');
        return order === 'LE' ? bytes : bytes.swap16();
      };
      const { text, records } = utf16File();
      await using flow = await flowOf({
        content: encode(text),
        realSink: true,
        config: {
          columns: [
            { name: 'id', type: 'bigint' },
            { name: 'value', type: 'text' },
          ],
        },
      });
      for (const config of [flow.config, flow.config]) {
        flow.startWorker({ sink: createSink({ config }) });
      }

      const { coordinator, outcome } = await flow.startCoordinator();

      expect(await outcome).toBe('Complete');
      const rows = records.filter(({ value }) => value !== undefined);
      const bad = records.filter(({ reason }) => reason !== undefined);
      const progress = coordinator.progress();
      expect(progress.dialect?.encoding).toBe(`UTF-16${order}`);
      expect(progress.chunks.done).toBeGreaterThan(4);
      expect(progress.totals).toMatchObject({
        read: 120,
        loaded: rows.length,
        superseded: 1,
        rejected: bad.length,
      });
      const offsetOf = (pos: string): number => Number(BigInt(pos) % 2n ** 43n);
      const stored = await flow.rows();
      expect(
        stored
          .map(({ id, value, pos }) => ({ id, value, offset: offsetOf(pos) }))
          .toSorted((one, other) => one.offset - other.offset),
      ).toEqual(rows.map(({ id, value, offset }) => ({ id, value, offset })));
      const { rows: rejects } = await flow.db.query(
        `SELECT record_offset::int AS offset, line::int AS line, raw, reason
         FROM ${flow.table}_rejects ORDER BY record_offset`,
      );
      expect(rejects).toEqual(
        bad.map((it) => ({
          offset: it.offset,
          line: it.line,
          raw: encode(it.text),
          reason: it.reason,
        })),
      );
      await expectVerified(flow, records[100]);
    },
  );

  /** Equal to its source, and a row that is damaged is told by its line. */
  async function expectVerified(
    { config, db, table }: ImportFlow,
    damaged: ReturnType<typeof utf16File>['records'][number] | undefined,
  ): Promise<void> {
    const verify = () =>
      verifyImport({ config, db, sink: createSink({ config }), source: sourceOf(config) });
    expect((await verify()).differences).toEqual([]);

    await db.query(`UPDATE ${table} SET value = 'other' WHERE id = $1`, [damaged?.id]);

    const { differences } = await verify();
    expect(differences.map(({ what, places }) => [what, ...places])).toEqual([
      ['OtherValues', { offset: damaged?.offset, line: damaged?.line, columns: ['value'] }],
    ]);
  }
});

describe.skipIf(needed)('an import whose tables disagree with its ledger', () => {
  it.each([
    ['row', (table: string) => `DELETE FROM ${table} WHERE id = 'k7'`],
    ['reject', (table: string) => `DELETE FROM ${table}_rejects`],
  ])('is Failed with the numbers, never Complete, when a %s is missing', async (_what, damage) => {
    await using flow: ImportFlow = await flowOf({
      content: `${csv(50)}ragged\n`,
      config: { chunkBytes: 65_536 },
      afterLoad: async (tx) => {
        await tx.query(damage(flow.table));
      },
    });

    const { coordinator, outcome } = await flow.run();

    expect(await outcome).toBe('Failed');
    expect(coordinator.progress()).toMatchObject({
      state: 'Failed',
      reason: 'TotalsDisagree',
      message: expect.stringContaining('read 51'),
    });
  });
});

describe.skipIf(needed)('messages on the queue', () => {
  it('are harmless in any number and order', async () => {
    await using flow = await flowOf({ content: csv(500, 100) });
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
    await using flow = await flowOf({ content: csv(500) });
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
