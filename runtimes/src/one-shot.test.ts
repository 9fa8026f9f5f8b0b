import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createLog } from '@millrace/kit/log';
import { Permanent } from '@millrace/kit/permanent';
import { Transient } from '@millrace/kit/transient';
import { runOnce, type OneShotOptions } from './one-shot.ts';

const away = new Transient('ConnectionRefused', 'Nobody listens.', { retryAfterMs: 1 });

interface Run {
  readonly code: number;
  readonly words: unknown;
}

async function run(change: Partial<OneShotOptions<object>>): Promise<Run> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-one-shot-'));
  const terminationLog = join(folder, 'end');
  try {
    const code = await runOnce({
      terminationLog,
      log: createLog({ level: 'silent', bindings: {}, fd: 2 }),
      signal: new AbortController().signal,
      waiting: () => undefined,
      work: () => Promise.resolve({ rows: 3 }),
      ended: () => 0,
      ...change,
    });
    return { code, words: JSON.parse(await readFile(terminationLog, 'utf8')) as unknown };
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe('a role that runs once', () => {
  it('tries again while a backend is away, and leaves what came of it', async () => {
    const waited: string[] = [];
    const ended = await run({
      work: () => (waited.length === 0 ? Promise.reject(away) : Promise.resolve({ rows: 3 })),
      waiting: ({ code }) => waited.push(code),
      ended: (report) => Object.keys(report).length + 40,
    });

    expect(ended).toEqual({ code: 41, words: { rows: 3 } });
    expect(waited).toEqual(['ConnectionRefused']);
  });

  it.each([
    [
      'refused',
      new Permanent('SealBroken', 'No.'),
      65,
      { outcome: 'Refused', reason: 'SealBroken' },
    ],
    ['away for too long', away, 75, { outcome: 'Waiting', reason: 'ConnectionRefused' }],
  ])('says what to do where it is %s', async (_, failure, code, words) => {
    const ended = await run({ work: () => Promise.reject(failure), patienceMs: 1 });

    expect(ended).toMatchObject({ code, words });
  });

  it.each(['while it waits', 'in the middle'])(
    'is no mistake when it is stopped %s',
    async (when) => {
      const stop = new AbortController();
      const { signal } = stop;
      const ended = await run({
        signal,
        work: async () => {
          stop.abort();
          if (when === 'in the middle') signal.throwIfAborted();
          return await Promise.reject(away);
        },
      });

      expect(ended.code).toBe(143);
      expect(ended.words).toHaveProperty('outcome');
    },
  );

  it('leaves mistakes of the program to the process', async () => {
    await expect(run({ work: () => Promise.reject(new Error('a bug')) })).rejects.toThrow('a bug');
  });
});
