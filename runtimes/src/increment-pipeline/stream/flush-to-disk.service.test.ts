import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lacks } from '../../../test/backends.ts';
import {
  appenderHost,
  appenderScene,
  randomItems,
  type AppenderScene,
} from '../../../test/increment-appender.ts';
import { fsyncSettings, type RedisSettings } from '../../../test/redis-server.ts';
import { until } from '../../../test/until.ts';

/** A kill -9 cannot show it, since the page cache survives the process: the calls themselves must be seen. */
function lacksTracing(): string | undefined {
  try {
    execFileSync('strace', ['-e', 'trace=fdatasync', '-o', '/dev/null', 'true']);
    return undefined;
  } catch {
    return 'strace cannot trace here';
  }
}

interface Trace {
  /** Answers that left while something appended was not on the disk. */
  readonly early: number;
  readonly answers: number;
  readonly flushes: number;
}

/** The main thread's calls while `work` runs: what it writes to the file, flushes, and answers. */
async function traced(here: AppenderScene, work: () => Promise<void>): Promise<Trace> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-trace-'));
  const file = join(folder, 'trace');
  const calls = 'trace=write,writev,fdatasync,fsync,sendto,sendmsg';
  const strace = spawn(
    'strace',
    ['-y', '-s', '0', '-e', calls, '-o', file, '-p', String(here.redis.pid())],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  try {
    await once(strace.stderr, 'data');
    await work();
    await until('the trace is written', async () => answersIn(await readFile(file, 'utf8')) > 0);
  } finally {
    const ended = once(strace, 'exit');
    strace.kill('SIGTERM');
    await ended;
  }
  const text = await readFile(file, 'utf8');
  await rm(folder, { recursive: true });
  return summary(text);
}

function answersIn(text: string): number {
  return summary(text).answers;
}

function summary(text: string): Trace {
  let isOnDisk = true;
  const found = { early: 0, answers: 0, flushes: 0 };
  for (const line of text.split('\n')) {
    if (/^(write|writev)\(\d+<[^>]*\.aof>/.test(line)) isOnDisk = false;
    if (/^(fdatasync|fsync)\(\d+<[^>]*\.aof>\) += 0/.test(line)) {
      found.flushes += isOnDisk ? 0 : 1;
      isOnDisk = true;
    }
    if (/^(write|writev|sendto|sendmsg)\(\d+<(socket|TCP)/.test(line)) {
      found.answers += 1;
      if (!isOnDisk) found.early += 1;
    }
  }
  return found;
}

async function tracedAppends(
  settings: RedisSettings,
  durability: 'Fsync' | 'Memory',
): Promise<Trace> {
  await using host = await appenderHost(settings);
  await using here = await appenderScene(host, { durability });
  await here.it.ready();
  return await traced(here, async () => {
    for (let count = 0; count < 50; count++) await here.it.appender.append(randomItems(1));
  });
}

describe.skipIf(lacks('redis', 'postgres') ?? lacksTracing())('an append that is answered', () => {
  it('was flushed to the disk before the answer left, each time', async () => {
    const trace = await tracedAppends(fsyncSettings, 'Fsync');

    expect(trace.answers).toBeGreaterThanOrEqual(50);
    expect(trace.flushes).toBeGreaterThanOrEqual(50);
    expect(trace.early).toBe(0);
  });

  it('was not, where Redis flushes once a second, so the trace can tell', async () => {
    const trace = await tracedAppends({ ...fsyncSettings, appendfsync: 'everysec' }, 'Memory');

    expect(trace.answers).toBeGreaterThanOrEqual(50);
    expect(trace.early).toBeGreaterThanOrEqual(49);
  });
});
