import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { systemClock } from '@millrace/kit/clock';
import { createLog } from '@millrace/kit/log';
import { createMetrics } from '@millrace/kit/metrics';
import { lacks } from '../../../test/backends.ts';
import { preparedImport, sourceOf, type PreparedImport } from '../../../test/prepared-import.ts';
import { beginAttempt, endAttempt } from '../../chunks/attempts.ts';
import { changeState } from '../../chunks/imports.ts';
import { deathsMin } from '../../chunks/poison.ts';
import { readReasons, readTotals } from '../../chunks/totals.ts';
import { suspectChunk } from '../../chunks/trials.ts';
import { createSink } from '../load/sink.ts';
import type { Sink } from '../load/sink-port.ts';
import { importTelemetry } from '../telemetry.ts';
import { verifyImport } from '../verify/verify.ts';
import { readContext, workChunk, type ChunkWorkOptions } from './chunk-work.ts';
import { trialProcess, type RunTrial, type TrialCommand, type TrialEnd } from './trial-process.ts';
import { runTrial, type TrialTask } from './trial.ts';

const main = fileURLToPath(new URL('../../main.ts', import.meta.url));
const deadly = new URL('../../../test/deadly.ts', import.meta.url).href;

const log = createLog({ level: process.env['TEST_LOG_LEVEL'] ?? 'silent', bindings: {}, fd: 2 });
const telemetry = importTelemetry(log, createMetrics({}));

/** Records 0 to `count`, of which some say more. */
function csv(count: number, special: Readonly<Record<number, string>> = {}): string {
  const lines = Array.from({ length: count }, (_, id) => `${id},${special[id] ?? `value ${id}`}`);
  return `id,value\n${lines.join('\n')}\n`;
}

function workOptions(it: PreparedImport, sink: Sink): Omit<ChunkWorkOptions, 'isolation'> {
  const { config, app: db } = it;
  const source = sourceOf(config);
  return { config, db, sink, source, clock: systemClock, telemetry, name: 'worker' };
}

/** Real processes, on which deadly records have their effect. */
function processes(it: PreparedImport, means: Partial<TrialCommand> = {}): RunTrial {
  return trialProcess({
    entry: [main, 'csv-import', 'trial'],
    execArgv: ['--import', deadly],
    env: it.env,
    heapMb: 256,
    processorMsMax: 60_000,
    deadlineMs: 120_000,
    ...means,
  });
}

/** Trials in this process: quicker, and death is an exception. For files without quoted newlines. */
function inProcess(it: PreparedImport): RunTrial {
  const sink = createSink({ config: it.config });
  const mortal: Sink = {
    ...sink,
    loadChunk: async (tx, input, context) => {
      const { from, to, poison } = input.only ?? { from: 0, to: Infinity, poison: [] };
      const records = input.bytes.toString().split('\n');
      const isDeadly = records.some(
        (record, at) => record.includes('DEADLY') && at >= from && at < to && !poison.includes(at),
      );
      const result = await sink.loadChunk(tx, input, context);
      if (isDeadly) throw new TypeError('dead');
      return result;
    },
  };
  return async (task, content) => {
    try {
      return await runTrial({ task, content }, workOptions(it, mortal));
    } catch {
      return { end: 'Died', cause: 'Exit70' };
    }
  };
}

/** Takes a chunk as a worker does that is left alive. */
async function work(
  it: PreparedImport,
  chunk: number,
  isolation: { readonly runTrial: RunTrial; readonly signal?: AbortSignal },
) {
  const options: ChunkWorkOptions = {
    ...workOptions(it, createSink({ config: it.config })),
    isolation: { signal: new AbortController().signal, ...isolation },
  };
  return await workChunk(chunk, await readContext(options), options);
}

/** Workers that took the chunk and were not heard of again. */
async function workersDie(it: PreparedImport, chunk: number, times = deathsMin): Promise<void> {
  for (let time = 0; time < times; time += 1) {
    await beginAttempt(it.app, { import: it.uid, chunk }, { worker: `dead worker ${time}` });
  }
}

async function rejects(it: PreparedImport) {
  const { rows } = await it.owner.query<Record<string, unknown>>(
    `SELECT chunk, record_offset::int AS offset, line::int AS line, convert_from(raw, 'UTF8') AS raw,
       reason, column_name AS column
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

async function trialOutcomes(it: PreparedImport): Promise<readonly (string | null)[]> {
  const { rows } = await it.owner.query<{ outcome: string | null }>(
    'SELECT outcome FROM millrace.attempts WHERE from_record IS NOT NULL ORDER BY attempt',
  );
  return rows.map((row) => row.outcome);
}

const needed = lacks('postgres');

describe.skipIf(needed)('a chunk that workers died with', () => {
  it.each([
    ['first and last', [0, 11]],
    ['neighbouring', [6, 7]],
  ])('loses its %s records only, and a verification agrees', async (_, poison) => {
    const special = Object.fromEntries(poison.map((id) => [id, 'DEADLY']));
    const content = csv(12, { 5: 'a,b', ...special });
    await using it = await preparedImport(content, { chunkBytes: 4_096 });
    await workersDie(it, 0);

    const outcome = await work(it, 0, { runTrial: inProcess(it) });

    expect(outcome).toBe('Loaded');
    expect(await ids(it)).toEqual(allBut(12, 5, ...poison));
    const rejected = [...poison.map((id) => `${id},DEADLY`), '5,a,b'];
    expect(new Set((await rejects(it)).map(({ raw }) => raw))).toEqual(new Set(rejected));
    expect(await readTotals(it.app, it.uid)).toMatchObject({
      read: 12,
      rejected: poison.length + 1,
      superseded: 0,
      chunksDone: 1,
    });
    expect(await readReasons(it.app, it.uid)).toContainEqual({
      reason: 'KillsWorker',
      rows: poison.length,
    });
    await changeState(it.owner, it.uid, { from: ['Loading'], to: 'Complete' });
    const { config, app: db } = it;
    const sink = createSink({ config });
    const report = await verifyImport({ config, db, sink, source: sourceOf(config) });
    expect(report.differences).toEqual([]);
  });

  it('is loaded whole when nothing in it kills', async () => {
    await using it = await preparedImport(csv(20));
    await workersDie(it, 0, 2 * deathsMin);

    await work(it, 0, { runTrial: inProcess(it) });

    expect(await ids(it)).toEqual(allBut(20));
    expect(await rejects(it)).toEqual([]);
  });

  it('is loaded by the worker itself until three have died with it', async () => {
    await using it = await preparedImport(csv(5, { 0: 'DEADLY' }));
    await workersDie(it, 0, deathsMin - 1);

    const outcome = await work(it, 0, { runTrial: inProcess(it) });

    expect(outcome).toBe('Loaded');
    expect(await trialOutcomes(it)).toEqual([]);
  });

  it('is tried by parts, too, when a mistake of the program ended its workers', async () => {
    await using it = await preparedImport(csv(5, { 4: 'DEADLY' }));
    for (let time = 0; time < deathsMin; time += 1) {
      const begun = await beginAttempt(it.app, { import: it.uid, chunk: 0 }, { worker: 'worker' });
      await endAttempt(it.app, begun?.attempt ?? '', 'Fault:Unknown');
    }

    await work(it, 0, { runTrial: inProcess(it) });

    expect(await ids(it)).toEqual(allBut(5, 4));
  });

  it('is not suspected for backends that were away', async () => {
    await using it = await preparedImport(csv(5));
    for (let time = 0; time < 9; time += 1) {
      const begun = await beginAttempt(it.app, { import: it.uid, chunk: 0 }, { worker: 'worker' });
      await endAttempt(it.app, begun?.attempt ?? '', 'Transient:ConnectionLost');
    }

    expect(await suspectChunk(it.app, it.uid)).toBeUndefined();
  });

  it('is gone on with by the next worker where one that was killed had stopped', async () => {
    await using it = await preparedImport(csv(12, { 9: 'DEADLY' }), { chunkBytes: 4_096 });
    await workersDie(it, 0);
    const run = inProcess(it);
    let left = 0;
    const dying: RunTrial = async (task) => {
      if (left === 0) throw new Error('the worker dies');
      left -= 1;
      return await run(task);
    };

    let workers = 0;
    for (let outcome: unknown; outcome !== 'Loaded'; workers += 1) {
      left = 4;
      outcome = await work(it, 0, { runTrial: dying }).catch(() => undefined);
    }

    expect(workers).toBeGreaterThan(2);
    expect(await ids(it)).toEqual(allBut(12, 9));
    expect(await readTotals(it.app, it.uid)).toMatchObject({ read: 12, rejected: 1 });
  });

  it('loses no record to a worker that is told to end', async () => {
    await using it = await preparedImport(csv(5, { 4: 'DEADLY' }));
    await workersDie(it, 0);
    const stop = new AbortController();
    const run = inProcess(it);
    const stopping: RunTrial = (task) => {
      stop.abort();
      return run(task);
    };

    const working = work(it, 0, { runTrial: stopping, signal: stop.signal });

    await expect(working).rejects.toMatchObject({ family: 'Transient', code: 'Draining' });
    expect(await readTotals(it.app, it.uid)).toMatchObject({ chunksDone: 0, rejected: 0 });
  });

  it('in a stream is handed to its trials, which read nothing of the stream', async () => {
    // Three or four records a chunk.
    const long = Object.fromEntries(Array.from({ length: 9 }, (_, id) => [id, 'x'.repeat(300)]));
    const content = gzipSync(csv(10, { ...long, 9: 'DEADLY' }));
    await using it = await preparedImport(content, { chunkBytes: 1_024 });
    const chunk = it.chunks.length - 1;
    await workersDie(it, chunk);
    const run = inProcess(it);
    const ends: TrialEnd[] = [];
    const runTrial: RunTrial = async (task, bytes) => {
      if (ends.length === 0) {
        await rm(join(it.config.source.volume?.mountPath ?? '', 'data.csv'));
        // Over the channel of a real process it arrives as it is.
        ends.push(await processes(it)(task, bytes));
      }
      const end = await run(task, bytes);
      ends.push(end);
      return end;
    };

    expect(await work(it, chunk, { runTrial })).toBe('Loaded');
    expect(chunk).toBeGreaterThan(1);
    expect(ends[0]).toEqual(ends[1]);
    expect((await rejects(it)).map(({ raw }) => raw)).toEqual(['9,DEADLY']);
  });

  it('is found done by trials that come too late', async () => {
    await using it = await preparedImport(csv(5));
    await workersDie(it, 0);
    await work(it, 0, { runTrial: inProcess(it) });

    expect(await work(it, 0, { runTrial: inProcess(it) })).toBe('Done');
    expect(await readTotals(it.app, it.uid)).toMatchObject({ read: 5 });
  });

  it('is refused, and keeps every record, when all trials die', async () => {
    await using it = await preparedImport(csv(5));
    await workersDie(it, 0);
    const run = (): Promise<TrialEnd> => Promise.resolve({ end: 'Died', cause: 'SIGABRT' });

    const working = work(it, 0, { runTrial: run });

    await expect(working).rejects.toMatchObject({ family: 'Transient', code: 'TrialEnded' });
    expect(await readTotals(it.app, it.uid)).toMatchObject({ chunksDone: 0, rejected: 0 });
  });
});

describe.skipIf(needed)('the process of a trial', () => {
  /** One trial of a chunk of one record. */
  async function tryOne(
    it: PreparedImport,
    means: Partial<TrialCommand> = {},
    task: Partial<TrialTask> = {},
  ): Promise<TrialEnd> {
    const whole = { chunk: 0, attempt: '0', from: 0, to: 1, poison: [], isKept: false };
    return await processes(it, means)({ ...whole, ...task });
  }

  it('tells in which way a record ends it, and leaves nothing behind', async () => {
    const ways: readonly (readonly [string, TrialEnd, Partial<TrialCommand>])[] = [
      ['LEAVE', { end: 'Died', cause: 'Exit0' }, {}],
      ['THROW', { end: 'Died', cause: 'Exit70' }, {}],
      ['FILL', { end: 'Died', cause: 'SIGABRT' }, { heapMb: 64 }],
      ['HOARD', { end: 'Died', cause: 'OutOfMemory' }, { memoryBytesMax: 1_200 * 1_048_576 }],
      ['SPIN', { end: 'Died', cause: 'Spinning' }, { processorMsMax: 2_000 }],
      ['nothing', { end: 'Passed', records: 6 }, {}],
    ];
    const content = csv(6, Object.fromEntries(ways.map(([said], at) => [at, said])));
    await using it = await preparedImport(content);

    for (const [at, [, end, means]] of ways.entries()) {
      expect(await tryOne(it, means, { from: at, to: at + 1 })).toEqual(end);
    }
    expect(await ids(it)).toEqual([]);
  }, 120_000);

  it('gives no evidence when it is killed, or waits for another, until its time is over', async () => {
    await using it = await preparedImport(csv(1));
    // Whoever takes this lock waits, with the record in hand.
    const [killed, late] = await it.owner.transaction(async (tx) => {
      await tx.query('LOCK TABLE things IN ACCESS EXCLUSIVE MODE');
      const killing = tryOne(it, {
        execArgv: [
          '--import',
          'data:text/javascript,setTimeout(()=>process.kill(process.pid,9),2500)',
        ],
      });
      return await Promise.all([killing, tryOne(it, { deadlineMs: 6_000 })]);
    });

    expect(killed).toEqual({ end: 'Stopped', cause: 'SIGKILL' });
    expect(late).toEqual({ end: 'Stopped', cause: 'TimedOut' });
  }, 60_000);

  it('says that Postgres is away instead of dying', async () => {
    await using it = await preparedImport(csv(1));
    const env = { ...it.env, POSTGRES_URL: 'postgres://nobody@127.0.0.1:1/none' };

    expect(await tryOne(it, { env })).toMatchObject({ end: 'Failed', family: 'Transient' });
  }, 60_000);

  it('gives no evidence when it cannot be started', async () => {
    await using it = await preparedImport(csv(1));

    const end = await tryOne(it, { env: { ...it.env, MILLRACE_CONFIG: '/nowhere' } });

    expect(end).toEqual({ end: 'Stopped', cause: 'Exit64' });
  }, 60_000);
});
