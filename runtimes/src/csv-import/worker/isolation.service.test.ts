import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { systemClock } from '@millrace/kit/clock';
import { createLog } from '@millrace/kit/log';
import { createMetrics } from '@millrace/kit/metrics';
import { lacks } from '../../../test/backends.ts';
import { preparedImport, type PreparedImport } from '../../../test/prepared-import.ts';
import { beginAttempt } from '../../chunks/attempts.ts';
import { deathsMin } from '../../chunks/poison.ts';
import { readTotals } from '../../chunks/totals.ts';
import { createSink } from '../load/sink.ts';
import { importTelemetry } from '../telemetry.ts';
import { readContext, workChunk, type ChunkWorkOptions } from './chunk-work.ts';
import { trialProcess, type RunTrial } from './trial-process.ts';

const main = fileURLToPath(new URL('../../main.ts', import.meta.url));
const deadly = new URL('../../../test/deadly.ts', import.meta.url).href;

const log = createLog({ level: process.env['TEST_LOG_LEVEL'] ?? 'silent', bindings: {}, fd: 2 });

/** Records 0 to `count`, of which some say more. */
function csv(count: number, special: Readonly<Record<number, string>>): string {
  const lines = Array.from({ length: count }, (_, id) => `${id},${special[id] ?? `value ${id}`}`);
  return `id,value\n${lines.join('\n')}\n`;
}

/** Real processes, on which deadly records have their effect. */
function trials(it: PreparedImport, execArgv: readonly string[] = []): RunTrial {
  return trialProcess({
    entry: [main, 'csv-import', 'trial'],
    execArgv: ['--import', deadly, ...execArgv],
    env: it.env,
    deadlineMs: 60_000,
  });
}

interface Working {
  readonly runTrial: RunTrial;
  readonly signal?: AbortSignal;
}

/** Takes a chunk as a worker does that is left alive. */
async function work(it: PreparedImport, chunk: number, working: Working) {
  const options: ChunkWorkOptions = {
    config: it.config,
    db: it.app,
    sink: createSink({ config: it.config }),
    clock: systemClock,
    telemetry: importTelemetry(log, createMetrics({})),
    name: 'worker',
    isolation: { signal: new AbortController().signal, ...working },
  };
  return await workChunk(chunk, await readContext(options), options);
}

/** Workers that took the chunk and were not heard of again. */
async function workersDie(it: PreparedImport, chunk: number, times = deathsMin): Promise<void> {
  for (let time = 0; time < times; time += 1) {
    await beginAttempt(it.app, { import: it.uid, chunk }, `dead worker ${time}`);
  }
}

async function rejects(it: PreparedImport) {
  const { rows } = await it.owner.query<Record<string, unknown>>(
    `SELECT chunk, record_offset::int AS offset, line::int AS line, convert_from(raw, 'UTF8') AS raw, reason, column_name AS column
     FROM things_rejects ORDER BY record_offset`,
  );
  return rows;
}

async function ids(it: PreparedImport): Promise<readonly number[]> {
  const { rows } = await it.owner.query<{ id: number }>(
    'SELECT id::int AS id FROM things ORDER BY id',
  );
  return rows.map((row) => row.id);
}

function allBut(count: number, ...missing: readonly number[]): readonly number[] {
  return Array.from({ length: count }, (_, id) => id).filter((id) => !missing.includes(id));
}

async function outcomes(it: PreparedImport): Promise<readonly (string | null)[]> {
  const { rows } = await it.owner.query<{ outcome: string | null }>(
    'SELECT outcome FROM millrace.attempts WHERE from_record IS NOT NULL ORDER BY attempt',
  );
  return rows.map((row) => row.outcome);
}

describe.skipIf(lacks('postgres'))('a chunk that workers died with', () => {
  it('is loaded without the records at its start and end that kill, which are rejected with their place', async () => {
    await using it = await preparedImport(csv(5, { 0: 'CRASH', 4: '"LEAVE\n"' }));
    await workersDie(it, 0);

    const outcome = await work(it, 0, { runTrial: trials(it) });

    expect(outcome).toBe('Loaded');
    expect(await ids(it)).toEqual(allBut(5, 0, 4));
    expect(await rejects(it)).toEqual([
      { chunk: 0, offset: 9, line: 2, raw: '0,CRASH', reason: 'KillsWorker', column: null },
      { chunk: 0, offset: 47, line: 6, raw: '4,"LEAVE\n"', reason: 'KillsWorker', column: null },
    ]);
    expect(await readTotals(it.app, it.uid)).toMatchObject({ read: 5, rejected: 2, superseded: 0 });
    const died = (await outcomes(it)).filter((outcome) => outcome?.startsWith('Died:'));
    expect(new Set(died)).toEqual(new Set(['Died:SIGABRT', 'Died:Exit0']));
  }, 120_000);
});
