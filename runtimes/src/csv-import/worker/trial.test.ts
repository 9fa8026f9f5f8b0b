import { randomBytes } from 'node:crypto';
import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { receiveTask, taskLine, type TrialTask } from './trial.ts';

const task: TrialTask = {
  chunk: 7,
  attempt: '12',
  from: 0,
  to: 3,
  poison: [1],
  isKept: false,
};

/** A channel over which the bytes come in pieces, and whose other end then stays or goes. */
function channelWith(bytes: Buffer, pieceBytes: number, isEnded = false): PassThrough {
  const channel = new PassThrough({ highWaterMark: bytes.length + 1 });
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    channel.write(bytes.subarray(at, at + pieceBytes));
  }
  return isEnded ? channel.end() : channel;
}

describe('a task', () => {
  it('comes with the bytes of its chunk, wherever the channel cuts them', async () => {
    const sizes = fc.integer({ min: 1, max: 400 });
    const contents = fc.option(fc.uint8Array({ maxLength: 300 }), { nil: undefined });
    await fc.assert(
      fc.asyncProperty(contents, sizes, async (array, pieceBytes) => {
        const content = array === undefined ? undefined : Buffer.from(array);
        const bytes = Buffer.concat([Buffer.from(taskLine(task, content)), content ?? Buffer.of()]);
        const channel = channelWith(bytes, pieceBytes);

        expect(await receiveTask(channel)).toEqual({ task, content });
        // The word goes back over it.
        expect(channel.destroyed).toBe(false);
      }),
      { numRuns: 60 },
    );
  });

  it('is none when its worker goes before all of it was there', async () => {
    const content = randomBytes(50);
    const bytes = Buffer.concat([Buffer.from(taskLine(task, content)), content]);

    for (const length of [0, 10, bytes.length - 1]) {
      const channel = channelWith(bytes.subarray(0, length), 20, true);
      await expect(receiveTask(channel)).rejects.toThrow('the worker of this trial has gone');
    }
  });
});
