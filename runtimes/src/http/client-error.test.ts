import { Duplex } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { answerProtocolError } from './client-error.ts';

describe('an answer to broken HTTP', () => {
  it('is not cut off by the pieces that follow the first broken one', async () => {
    const held = Promise.withResolvers<() => void>();
    const socket = new Duplex({
      read: () => undefined,
      write: (_bytes, _encoding, done) => held.resolve(done),
    });
    const answered: number[] = [];
    const broken = Object.assign(new Error('broken'), { code: 'HPE_INVALID_METHOD' });

    for (let pieces = 0; pieces < 3; pieces++) {
      answerProtocolError(broken, socket, (status) => answered.push(status));
    }
    const wasCut = socket.destroyed;
    (await held.promise)();

    expect([wasCut, answered]).toEqual([false, [400]]);
    await expect.poll(() => socket.destroyed).toBe(true);
  });
});
