import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { CsvImportProgress } from '@millrace/crds/csv-import';
import { systemClock } from '@millrace/kit/clock';
import { createLog } from '@millrace/kit/log';
import { brokerUrl, lacks } from '../../../test/backends.ts';
import { preparedImport, type PreparedImport } from '../../../test/prepared-import.ts';
import { until } from '../../../test/until.ts';
import { deathsMin } from '../../chunks/poison.ts';
import { AmqpLink } from '../../connectors/rabbitmq/link.ts';
import { removeQueues } from '../../connectors/rabbitmq/queue.ts';
import { queueName } from '../messages.ts';

const main = fileURLToPath(new URL('../../main.ts', import.meta.url));
const deadly = new URL('../../../test/deadly.ts', import.meta.url).href;
const log = createLog({ level: 'silent', bindings: {}, fd: 2 });

function csv(lines: readonly string[]): string {
  return `id,value\n${lines.map((value, id) => `${id},${value}`).join('\n')}\n`;
}

interface Running extends AsyncDisposable {
  /** How often a worker was started. */
  starts(): number;
  killWorker(): void;
  /** The coordinator's exit code. */
  readonly ended: Promise<number | null>;
}

/** A coordinator, and a worker that is started anew whenever it ends, as a kubelet would. */
function running(it: PreparedImport): Running {
  const start = (role: string): ChildProcess =>
    spawn(process.execPath, ['--import', deadly, main, 'csv-import', role], {
      env: { ...it.env, RABBITMQ_URL: brokerUrl() },
      stdio: 'ignore',
    });
  let worker = start('worker');
  let starts = 1;
  let isOver = false;
  const again = (): void => {
    if (isOver) return;
    starts += 1;
    worker = start('worker').once('exit', again);
  };
  worker.once('exit', again);
  const coordinator = start('coordinator');
  const ended = once(coordinator, 'exit').then(([code]) => code as number | null);
  return {
    starts: () => starts,
    killWorker: () => worker.kill('SIGKILL'),
    ended,
    [Symbol.asyncDispose]: async () => {
      isOver = true;
      for (const child of [worker, coordinator]) {
        if (child.exitCode !== null || child.signalCode !== null) continue;
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
      await using link = new AmqpLink({
        url: brokerUrl,
        name: 'test',
        clock: systemClock,
        log,
      });
      await until('the test link is connected', () => link.state.ok);
      await removeQueues(link, [queueName(it.uid, 1)], {
        clock: systemClock,
        patienceMs: 10_000,
      });
    },
  };
}

async function report(it: PreparedImport): Promise<CsvImportProgress> {
  return JSON.parse(await readFile(it.config.terminationLog, 'utf8')) as CsvImportProgress;
}

async function values(it: PreparedImport): Promise<readonly string[]> {
  const { rows } = await it.owner.query<{ value: string }>('SELECT value FROM things ORDER BY id');
  return rows.map((row) => row.value);
}

/** Attempts that nobody ended, of workers and of trials. */
async function unended(it: PreparedImport): Promise<{ workers: number; trials: number }> {
  const { rows } = await it.owner.query<{ workers: number; trials: number }>(
    `SELECT count(*) FILTER (WHERE from_record IS NULL)::int AS workers,
       count(*) FILTER (WHERE to_record > 0)::int AS trials
     FROM millrace.attempts WHERE ended_at IS NULL`,
  );
  return rows[0] ?? { workers: 0, trials: 0 };
}

const needed = lacks('postgres', 'rabbitmq');

describe.skipIf(needed)('an import', () => {
  it('of a file with a record that kills every worker rejects that record and loads all others', async () => {
    // Few records are few processes; how many are searched is isolation.service.test.ts.
    await using it = await preparedImport(csv(['CRASH', 'b']));
    await using run = running(it);

    const code = await run.ended;

    expect(code).toBe(0);
    expect(await values(it)).toEqual(['b']);
    expect(await report(it)).toMatchObject({
      state: 'Complete',
      totals: { read: 2, loaded: 1, superseded: 0, rejected: 1 },
      rejectReasons: [{ reason: 'KillsWorker', rows: 1 }],
    });
    // The record killed as many workers as it takes to be believed, and no more.
    expect(run.starts()).toBe(deathsMin + 1);
  }, 180_000);

  it('whose workers are killed again and again with the same chunk rejects nothing', async () => {
    await using it = await preparedImport(csv(['a', 'b', 'c']));
    const lock = Promise.withResolvers<undefined>();
    const locked = it.owner.transaction(async (tx) => {
      // Whoever loads the chunk waits, with it in hand, however long a busy host takes to start them.
      await tx.query('SET LOCAL idle_in_transaction_session_timeout = 0');
      await tx.query('LOCK TABLE things IN SHARE MODE');
      await lock.promise;
    });
    await using run = running(it);

    const inHand = async (claim: (counts: { workers: number; trials: number }) => boolean) =>
      await until('a worker has the chunk', async () => claim(await unended(it)), 60_000);

    for (let kills = 1; kills <= deathsMin; kills += 1) {
      await inHand(({ workers }) => workers >= kills);
      run.killWorker();
    }
    // The chunk is suspected now, and who tries it by parts meets the same fate.
    await inHand(({ trials }) => trials > 0);
    run.killWorker();
    lock.resolve(undefined);
    await locked;

    expect(await run.ended).toBe(0);
    expect(await values(it)).toEqual(['a', 'b', 'c']);
    expect((await report(it)).totals).toMatchObject({ read: 3, loaded: 3, rejected: 0 });
  }, 180_000);
});
