import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { collectGarbage } from '../../../test/garbage.ts';
import type { ByteStream } from './byte-stream.ts';
import { StreamWindow } from './stream-window.ts';

const blockBytes = 65_536;

describe('a window', () => {
  it('holds no block that was released, however many were pulled', async () => {
    const made: WeakRef<Buffer>[] = [];
    async function* blocks(): ByteStream {
      for (;;) {
        const block = Buffer.alloc(blockBytes);
        made.push(new WeakRef(block));
        yield await Promise.resolve(block);
      }
    }
    const { signal } = new AbortController();
    const window = new StreamWindow(blocks(), { start: 0, bytesMax: 1 << 20, signal });

    for (let pulled = 1; pulled <= 200; pulled += 1) {
      await window.pull();
      window.release(pulled * blockBytes);
    }
    await collectGarbage();

    // The last ones may be looked back at.
    expect(made.filter((block) => block.deref() !== undefined).length).toBeLessThan(5);
    expect(window.copy({ offset: window.end - 1, length: 1 })).toHaveLength(1);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  it('stops waiting for a block when it is told to, and does not begin to after that', async () => {
    const never = new Promise<Buffer>(() => undefined);
    async function* silent(): ByteStream {
      yield await never;
    }
    const stop = new AbortController();
    const options = { start: 0, bytesMax: 1 << 20, signal: stop.signal };
    const waiting = new StreamWindow(silent(), options).pull();

    stop.abort();

    expect(await waiting).toBeUndefined();
    expect(await new StreamWindow(silent(), options).pull()).toBeUndefined();
  });
});
