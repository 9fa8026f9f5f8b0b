/** `millrace replay` as a process; what is added is proven beside runtimes' ledger/replay.ts. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '@millrace/kit/clock';
import { createLog } from '@millrace/kit/log';
import { openDatabase, type Database } from '@millrace/runtimes/connectors/postgres/database';
import { preparePipeline } from '@millrace/runtimes/increment-pipeline/setup/prepare';
import { incrementConfig } from '../../runtimes/test/increment-worker.ts';
import { itemsOf, keyOf } from '../../runtimes/test/increment-streams.ts';
import type { RunningBackend } from '../backends/backend.ts';
import { startBackends } from '../backends/resolve.ts';
import { ownEnvironment } from '../play/test/play-process.ts';
import { choose, parseIds } from './replay.ts';
import { millrace, type Ended } from './test/millrace-process.ts';

function pipelineNamed(uid: string, waiting: number) {
  return { uid, namespace: 'default', name: 'views', table: 'sums', waiting };
}

const log = createLog({ level: 'silent', bindings: {}, fd: 2 });

describe('millrace replay', () => {
  let folder = '';
  let server: RunningBackend;
  let owner: Database;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace-replay-'));
    const backends = await startBackends(['postgres'], {
      stateDir: folder,
      env: ownEnvironment(),
      log: () => undefined,
    });
    server = backends.get('postgres') as RunningBackend;
    const url = server.extra.ownerUrl ?? server.url;
    owner = openDatabase({ url: () => url, applicationName: 'test', max: 2, log });
  }, 120_000);

  afterAll(async () => {
    await owner[Symbol.asyncDispose]();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  /** A pipeline of this name with one letter that waits; the letter's id. */
  async function putAside(name: string, payload: Buffer): Promise<string> {
    const config = incrementConfig({
      resource: { uid: randomUUID(), namespace: 'test', name },
      target: { table: `sums_${name}` },
    });
    await preparePipeline({
      config,
      owner,
      ownerUrl: server.extra.ownerUrl ?? server.url,
      workingRole: new URL(server.url).username,
      log,
      clock: systemClock,
      signal: AbortSignal.timeout(20_000),
    });
    const { rows } = await owner.query<{ id: string }>(
      `INSERT INTO millrace.increment_dead_letters
         (pipeline, partition, incarnation, entry, reason, increments, payload)
       VALUES ($1, 0, 1, '0-1-17-0', 'SumOverflow', $2, $3) RETURNING id`,
      [config.resource.uid, payload.length / 24, payload],
    );
    return rows[0]?.id ?? '';
  }

  async function replay(...args: readonly string[]): Promise<Ended> {
    return millrace(['replay', ...args, '--postgres-url', server.url, '-n', 'test'], {
      cwd: folder,
    });
  }

  it('tells what it would add, adds it, and then has nothing to do', async () => {
    const id = await putAside('views', itemsOf([keyOf(1), 5], [keyOf(2), 6]));

    const dry = await replay('views', '--dry-run');
    const done = await replay('incrementpipeline/views', '--ids', id);
    const again = await replay('views');

    expect(dry).toMatchObject({ code: 0, stderr: '' });
    expect(dry.stdout).toMatch(
      /2 increments would be added to sums_views; 0 of 1 dead letters stay/,
    );
    expect(done).toMatchObject({ code: 0, stderr: '' });
    expect(done.stdout).toMatch(
      /id +partition +entry.*\n\d+ +0 +0-1-17-0 +SumOverflow +2 +2 +Added/,
    );
    expect(done.stdout).not.toContain(keyOf(1));
    expect(again.stdout).toMatch(/no dead letters wait/);
    const { rows } = await owner.query('SELECT value FROM sums_views ORDER BY key');
    expect(rows).toEqual([{ value: '5' }, { value: '6' }]);
  });

  it('ends with 1 when some stay, and says why', async () => {
    await putAside('full', itemsOf([keyOf(1), 2n ** 63n - 1n], [keyOf(1), 1]));

    const { code, stdout } = await replay('full', '--json');

    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ outcome: 'Stays', why: 'SumOverflow', added: 1 });
  });

  it('names the pipelines that there are when it is given another', async () => {
    await putAside('known', itemsOf([keyOf(1), 1]));

    const { code, stderr } = await replay('other');

    expect(code).toBe(65);
    expect(stderr).toMatch(
      /^error: the ledger knows no pipeline test\/other; it has .*test\/known/,
    );
  });
});

it('prefers, of pipelines with the same name, the one with dead letters, and asks when several have', () => {
  const wanted = { name: 'views', namespace: 'default' };

  expect(choose([pipelineNamed('b', 0), pipelineNamed('a', 3)], wanted).uid).toBe('a');
  expect(choose([pipelineNamed('b', 0), pipelineNamed('a', 0)], wanted).uid).toBe('b');
  expect(() => choose([pipelineNamed('b', 1), pipelineNamed('a', 3)], wanted)).toThrow(/b, a/);
});

it('takes numbers with commas between them, and nothing else', () => {
  expect(parseIds('17, 18')).toEqual([17n, 18n]);
  expect(() => parseIds('17;18')).toThrow(/commas/);
});
