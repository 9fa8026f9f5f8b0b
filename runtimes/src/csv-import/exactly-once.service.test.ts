import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemClock } from '@millrace/kit/clock';
import { createLog } from '@millrace/kit/log';
import { createMetrics } from '@millrace/kit/metrics';
import { lacks } from '../../test/backends.ts';
import type { TestDatabase } from '../../test/database.ts';
import { importDatabase } from '../../test/import-database.ts';
import { podConfig } from '../../test/pod-config.ts';
import { prepareImport, sourceOf } from '../../test/prepared-import.ts';
import { releaseTarget } from '../chunks/targets.ts';
import { readTotals } from '../chunks/totals.ts';
import { changeState } from '../chunks/imports.ts';
import { openDatabase, type Database } from '../connectors/postgres/database.ts';
import { readContext, workChunk } from './worker/chunk-work.ts';
import { createSink } from './load/sink.ts';
import { importTelemetry } from './telemetry.ts';
import { verifyImport } from './verify/verify.ts';

const log = createLog({ level: 'silent', bindings: {}, fd: 2 });
const telemetry = importTelemetry(log, createMetrics({}));
const clock = systemClock;

type Policy = 'LatestWins' | 'FirstWins';

interface Stage extends AsyncDisposable {
  readonly server: TestDatabase;
  readonly owner: Database;
  readonly workers: readonly Database[];
  readonly folder: string;
}

async function stage(): Promise<Stage> {
  const server = await importDatabase();
  const folder = await mkdtemp(join(tmpdir(), 'millrace-once-'));
  const open = (url: string): Database =>
    openDatabase({ url: () => url, applicationName: 'test', max: 2, log });
  const owner = open(server.ownerUrl);
  const workers = [open(server.appUrl), open(server.appUrl), open(server.appUrl)];
  return {
    server,
    owner,
    workers,
    folder,
    [Symbol.asyncDispose]: async () => {
      for (const db of [owner, ...workers]) await db[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
      await server[Symbol.asyncDispose]();
    },
  };
}

/** A record of a file: key and value, or a line that no table takes. */
type Line = readonly [key: number, value: number] | 'ragged';

const line = fc.oneof(
  { weight: 12, arbitrary: fc.tuple(fc.nat(12), fc.nat(1_000_000)) },
  { weight: 1, arbitrary: fc.constant('ragged' as const) },
);
const content = fc.array(line, { maxLength: 60 });

function csv(lines: readonly Line[]): string {
  const records = lines.map((it) => (it === 'ragged' ? 'x' : `${it[0]},"v${it[1]}\n"`));
  return `id,value\n${records.join('\n')}\n`;
}

/** The rows that must be there, from reading both files in order. */
function model(imports: readonly (readonly Line[])[], policy: Policy): Map<string, string> {
  const rows = new Map<string, string>();
  for (const lines of imports) {
    const own = new Map<string, string>();
    for (const it of lines) {
      if (it === 'ragged') continue;
      const key = String(it[0]);
      if (policy === 'FirstWins' && (own.has(key) || rows.has(key))) continue;
      own.set(key, `v${it[1]}\n`);
    }
    for (const [key, value] of own) rows.set(key, value);
  }
  return rows;
}

interface Run {
  readonly table: string;
  readonly lines: readonly Line[];
  readonly policy: Policy;
  readonly chunkBytes: number;
  /** Where each delivery goes, by chunk; chunks left out are delivered at the end. */
  readonly deliveries: readonly number[];
}

/** Loads one import through three workers that race, and returns its ledger's totals. */
async function load({ owner, workers, folder, server }: Stage, run: Run) {
  const uid = randomUUID();
  await writeFile(join(folder, 'data.csv'), csv(run.lines));
  const config = podConfig({
    uid,
    folder,
    table: run.table,
    overrides: {
      chunkBytes: run.chunkBytes,
      format: { header: 'Present', delimiter: ',', quote: '"', escape: 'Doubled' },
      columns: [
        { name: 'id', type: 'bigint' },
        { name: 'value', type: 'text' },
      ],
      target: { table: run.table, key: ['id'], onConflict: run.policy, adopt: false },
    },
  });
  const workingRole = decodeURIComponent(new URL(server.appUrl).username);
  const { chunks, sink, turn } = await prepareImport(config, owner, workingRole);
  const source = sourceOf(config);
  const deliveries = [...run.deliveries.map((at) => chunks[at % chunks.length] ?? 0), ...chunks];
  const queue = chunks.length === 0 ? [] : deliveries;
  await Promise.all(
    workers.map(async (db, index) => {
      const options = { config, db, source, sink: createSink({ config }), clock, telemetry };
      const context = await readContext(options);
      for (let chunk = queue.shift(); chunk !== undefined; chunk = queue.shift()) {
        await workChunk(chunk, context, { ...options, name: `worker ${index}` });
      }
    }),
  );
  const recount = await sink.recount(owner, {
    import: uid,
    seq: turn.outcome === 'Held' ? turn.seq : 0,
  });
  await changeState(owner, uid, { from: ['Loading'], to: 'Complete' });
  await releaseTarget(owner, uid);
  const totals = await readTotals(owner, uid);
  const verify = () => verifyImport({ config, db: owner, source, sink: createSink({ config }) });
  return { totals, recount, verify };
}

let tableNumber = 0;

describe.skipIf(lacks('postgres'))('any order and repetition of chunk deliveries', () => {
  it.each<Policy>(['LatestWins', 'FirstWins'])(
    'gives the table of one reading in order: %s',
    async (policy) => {
      await using place = await stage();

      await fc.assert(
        fc.asyncProperty(
          fc.tuple(content, content),
          fc.integer({ min: 40, max: 300 }),
          fc.array(fc.nat(), { maxLength: 30 }),
          async (files, chunkBytes, deliveries) => {
            tableNumber += 1;
            const table = `things_${tableNumber}`;
            for (const lines of files) {
              const run = { table, lines, policy, chunkBytes, deliveries };
              const { totals, recount, verify } = await load(place, run);

              const ragged = lines.filter((it) => it === 'ragged').length;
              expect(totals.read).toBe(lines.length);
              expect(totals.rejected).toBe(ragged);
              expect(recount.rejected).toBe(ragged);
              expect(recount.loaded + totals.superseded + totals.rejected).toBe(totals.read);
              expect((await verify()).differences).toEqual([]);
            }
            const { rows } = await place.owner.query<{ id: string; value: string }>(
              `SELECT id, value FROM ${table}`,
            );
            expect(new Map(rows.map((row) => [row.id, row.value]))).toEqual(model(files, policy));
          },
        ),
        { numRuns: 12 },
      );
    },
    120_000,
  );
});

describe.skipIf(lacks('postgres'))('a verification', () => {
  it('tells rows that were removed, changed, added or rejected by somebody else', async () => {
    await using place = await stage();
    const lines: Line[] = [[1, 10], [2, 20], [3, 30], [1, 11], 'ragged', [4, 40]];
    const run = { table: 'checked', lines, policy: 'LatestWins', chunkBytes: 16 } as const;
    const { verify } = await load(place, { ...run, deliveries: [] });

    const before = await verify();
    await place.owner.query(`
      DELETE FROM checked WHERE id = 2;
      UPDATE checked SET value = 'other' WHERE id = 3;
      UPDATE checked SET _millrace_pos = _millrace_pos + 1 WHERE id = 4;
      INSERT INTO checked SELECT 99, 'foreign', _millrace_pos FROM checked WHERE id = 1;
      DELETE FROM checked_rejects`);
    const after = await verify();

    expect(before).toMatchObject({
      equal: true,
      totals: { read: 6, loaded: 4, superseded: 1, rejected: 1 },
    });
    expect(after.equal).toBe(false);
    expect(after.differences.map(({ what, places }) => [what, ...places])).toEqual([
      ['RowMissing', { offset: 18, line: 4 }],
      ['RowExtra', { offset: 36, line: 8 }],
      ['OtherRecord', { offset: 47, line: 11 }],
      ['OtherValues', { offset: 27, line: 6, columns: ['value'] }],
      ['RejectMissing', { offset: 45, line: 10 }],
    ]);
  });

  it('tells counts of the ledger that are not those of the source', async () => {
    await using place = await stage();
    const lines: Line[] = [[1, 10], [2, 20], 'ragged', [3, 30]];
    const run = { table: 'counted', lines, policy: 'LatestWins', chunkBytes: 16 } as const;
    const { verify } = await load(place, { ...run, deliveries: [] });

    await place.owner.query(`
      UPDATE millrace.chunks SET read = read + 1, superseded = superseded + 2 WHERE chunk = 0;
      DELETE FROM millrace.chunks WHERE chunk = 1`);
    const found = (await verify()).differences.map(({ what }) => what);

    expect(found).toEqual(
      expect.arrayContaining(['PlanIncomplete', 'OtherRead', 'OtherLoaded', 'OtherChunk']),
    );
  });

  it('waits for the end of an import, and tells one that has ended without being Complete', async () => {
    await using place = await stage();
    const run = { table: 'ended', policy: 'LatestWins', chunkBytes: 16, deliveries: [] } as const;
    const { verify } = await load(place, { ...run, lines: [[1, 10]] });

    await place.owner.query(`UPDATE millrace.imports SET state = 'Loading'`);
    await expect(verify()).rejects.toMatchObject({ family: 'Transient', code: 'NotEnded' });

    await place.owner.query(`UPDATE millrace.imports SET state = 'Failed'`);
    expect((await verify()).differences.map(({ what }) => what)).toEqual(['NotComplete']);
  });

  it('tells a row of an earlier import that this one should have replaced', async () => {
    await using place = await stage();
    const run = { table: 'older', policy: 'LatestWins', chunkBytes: 16, deliveries: [] } as const;
    await load(place, { ...run, lines: [[1, 10]] });
    const { verify } = await load(place, { ...run, lines: [[1, 11]] });

    await place.owner.query('UPDATE older SET _millrace_pos = 1');

    expect((await verify()).differences.map(({ what }) => what)).toEqual([
      'OtherLoaded',
      'OlderRow',
    ]);
  });

  it('leaves columns alone that the import does not load, and their sequences', async () => {
    await using place = await stage();
    await place.owner.query(
      `CREATE TABLE wider (
        number bigserial PRIMARY KEY, id bigint UNIQUE NOT NULL, value text CHECK (value <> 'v7\n'),
        seen timestamptz NOT NULL DEFAULT clock_timestamp(), _millrace_pos bigint NOT NULL DEFAULT 0);
       GRANT USAGE ON SEQUENCE wider_number_seq TO PUBLIC`,
    );
    const lines: Line[] = [
      [1, 10],
      [2, 7],
    ];
    const run = { table: 'wider', lines, policy: 'LatestWins', chunkBytes: 200 } as const;
    const { verify } = await load(place, { ...run, deliveries: [] });
    const lastNumber = async () =>
      (await place.owner.query('SELECT last_value FROM wider_number_seq')).rows[0];
    const before = await lastNumber();

    const report = await verify();

    expect(report).toMatchObject({ differences: [], totals: { loaded: 1, rejected: 1 } });
    expect(report.compared.columns).toEqual(['id', 'value']);
    expect(await lastNumber()).toEqual(before);
  });

  it('does not compare with a file that has changed since', async () => {
    await using place = await stage();
    const run = {
      table: 'replaced',
      policy: 'LatestWins',
      chunkBytes: 16,
      deliveries: [],
    } as const;
    const first = await load(place, {
      ...run,
      lines: [
        [1, 10],
        [2, 20],
      ],
    });

    await load(place, { ...run, lines: [[1, 11]] });

    await writeFile(
      join(place.folder, 'data.csv'),
      csv([
        [1, 10],
        [2, 20],
      ]),
    );
    await expect(first.verify()).rejects.toMatchObject({ code: 'SourceChanged' });
  });
});
