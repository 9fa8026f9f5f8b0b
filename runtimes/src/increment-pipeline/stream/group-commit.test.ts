import { describe, expect, it } from 'vitest';
import type { RedisArgument, RedisCommands } from '../../connectors/redis/link.ts';
import { itemBytes } from './entry.ts';
import { callBytesMax, GroupCommit, queueBytesMax } from './group-commit.ts';
import type { Stream } from './incarnations.ts';

interface Call {
  readonly args: readonly RedisArgument[];
  /** Appends it as Redis would. */
  done(): void;
  failed(error: Error): void;
}

interface Scene {
  readonly groups: GroupCommit;
  readonly calls: Call[];
  readonly groupSizes: readonly number[];
  readonly failures: readonly string[];
  /** Resolves when that many calls were made in all. */
  called(count: number): Promise<void>;
}

function stream(partition: number): Stream {
  const names = { key: `s${partition}`, field: `${partition}:1` };
  return { partition, incarnation: 1, ackedId: '0-0', accepted: 0n, ...names };
}

/** Two streams of a Redis that answers when the test says so. */
function scene(): Scene {
  const calls: Call[] = [];
  const groupSizes: number[] = [];
  const failures: string[] = [];
  const streams = [stream(0), stream(1)];
  let sequence = 0;
  const commands: RedisCommands = {
    call: () => Promise.reject(new Error('not a script')),
    script: (_attempted, _script, { args }) => {
      const { promise, resolve, reject } = Promise.withResolvers<unknown>();
      const done = (): void => {
        const answers = entriesOf(args[0]).map((lengths) => {
          const ids = lengths.map(() => `7-${(sequence += 1)}`);
          const bytes = lengths.reduce((sum, length) => sum + length, 0);
          return [...ids, bytes / itemBytes].join(' ');
        });
        resolve(Buffer.from(answers.join(' ')));
      };
      calls.push({ args, done, failed: reject });
      return promise;
    },
  };
  const groups = new GroupCommit({
    uid: 'u',
    partitions: 2,
    commands,
    streams: () => streams,
    refused: () => undefined,
    appended: ({ requests }) => void groupSizes.push(requests),
    failed: ({ code }) => void failures.push(code),
  });
  return {
    groups,
    calls,
    groupSizes,
    failures,
    called: async (count) => {
      await expect.poll(() => calls.length, { interval: 1 }).toBe(count);
    },
  };
}

function items(count: number): Buffer {
  const bytes = Buffer.alloc(count * itemBytes);
  for (let item = 0; item < count; item++) bytes.writeUInt32BE(item, item * itemBytes);
  return bytes;
}

/** Of each stream the lengths of its entries, as the script reads them. */
function entriesOf(packed: RedisArgument | undefined): readonly (readonly number[])[] {
  if (!Buffer.isBuffer(packed)) throw new Error('everything is packed into one argument');
  const streams: number[][] = [];
  for (let at = 0; at < packed.length;) {
    const lengths: number[] = [];
    const count = packed.readUInt32BE(at);
    at += 4;
    for (let entry = 0; entry < count; entry++) {
      const length = packed.readUInt32BE(at);
      lengths.push(length);
      at += 4 + length;
    }
    streams.push(lengths);
  }
  return streams;
}

function payloadBytes({ args }: Call): number {
  return entriesOf(args[0])
    .flat()
    .reduce((sum, length) => sum + length, 0);
}

describe('a group commit', () => {
  it('has one call under way, and sends in the next all that came meanwhile', async () => {
    const it = scene();
    const first = it.groups.append(items(1));
    await it.called(1);
    const later = Array.from({ length: 50 }, () => it.groups.append(items(1)));
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    expect(it.calls).toHaveLength(1);

    it.calls[0]?.done();
    await it.called(2);
    it.calls[1]?.done();

    expect(await first).toMatch(/^[01]-1-7-1$/);
    expect(new Set(await Promise.all(later))).toEqual(new Set([expect.stringMatching(/7-2$/)]));
    expect(it.groupSizes).toEqual([1, 50]);
  });

  it('bounds the bytes of a call', async () => {
    const it = scene();
    const batch = items(100_000);
    const answers = Array.from({ length: 8 }, () => it.groups.append(batch));

    for (let call = 0; call < 3; call++) {
      await it.called(call + 1);
      it.calls[call]?.done();
    }
    await Promise.all(answers);

    expect(it.groupSizes).toEqual([3, 3, 2]);
    expect(Math.max(...it.calls.map(payloadBytes))).toBeLessThanOrEqual(callBytesMax);
    expect(it.groups.bytes).toBe(0);
  });

  it('bounds the bytes that wait, and takes more once there is room', async () => {
    const it = scene();
    const batch = items(300_000);
    const most = Math.floor(queueBytesMax / batch.length);
    const taken = Array.from({ length: most }, () => it.groups.append(batch));

    await expect(it.groups.append(batch)).rejects.toMatchObject({ code: 'Overloaded' });
    await it.called(1);
    it.calls[0]?.done();
    await taken[0];
    await it.called(2);

    taken.push(it.groups.append(batch));
    for (let call = 1; call <= most; call++) {
      await it.called(call + 1);
      it.calls[call]?.done();
    }
    expect(await Promise.all(taken)).toHaveLength(most + 1);
  });

  it('tells everyone of a call that failed, makes no other in its place, and goes on', async () => {
    const it = scene();
    const lost = Array.from({ length: 3 }, () => it.groups.append(items(1)));
    await it.called(1);
    const next = it.groups.append(items(1));

    it.calls[0]?.failed(new Error('gone'));

    for (const each of lost) await expect(each).rejects.toMatchObject({ code: 'FateUnknown' });
    await it.called(2);
    it.calls[1]?.done();
    await expect(next).resolves.toMatch(/7-1$/);
    expect(it.failures).toEqual(['FateUnknown']);
    expect(payloadBytes(it.calls[1] ?? { args: [], done() {}, failed() {} })).toBe(itemBytes);
  });
});
