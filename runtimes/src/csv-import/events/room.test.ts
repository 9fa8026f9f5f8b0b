import { describe, expect, it } from 'vitest';
import { openRoom } from './room.ts';

const nobody = new AbortController().signal;
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Takes, and notes who got in. */
function line(bytesMax: number) {
  const room = openRoom(bytesMax);
  const inside: string[] = [];
  const take = async (name: string, bytes: number, signal = nobody): Promise<Disposable> => {
    const share = await room.take(bytes, signal);
    inside.push(name);
    return share;
  };
  return { inside, take };
}

describe('room for large rows', () => {
  it('is given in the order of asking, and never more than there is', async () => {
    const { inside, take } = line(100);
    const first = await take('first', 60);
    void take('large', 50);
    void take('small', 10);
    await settled();
    const before = [...inside];

    first[Symbol.dispose]();
    first[Symbol.dispose]();
    void take('too much', 50);
    await settled();

    expect([before, inside]).toEqual([['first'], ['first', 'large', 'small']]);
  });

  it('is given as a whole, and alone, to what is larger than it', async () => {
    const { inside, take } = line(100);
    const first = await take('first', 1);
    const huge = take('huge', 1_000);
    await settled();
    const before = [...inside];
    first[Symbol.dispose]();
    const share = await huge;
    void take('last', 1);
    await settled();
    const beside = [...inside];

    share[Symbol.dispose]();
    await settled();

    expect([before, beside]).toEqual([['first'], ['first', 'huge']]);
    expect(inside).toEqual(['first', 'huge', 'last']);
  });

  it('is not waited for, nor held, by who goes away', async () => {
    const { inside, take } = line(100);
    const gone = new AbortController();
    const first = await take('first', 60);
    const left = take('gone', 60, gone.signal);
    void take('small', 10);
    gone.abort();
    const nothing = await left;
    await settled();
    const before = [...inside];

    nothing[Symbol.dispose]();
    void take('too much', 40);
    await settled();
    const stillFull = [...inside];
    first[Symbol.dispose]();
    await settled();

    expect(before.toSorted()).toEqual(['first', 'gone', 'small']);
    expect(stillFull).toEqual(before);
    expect(inside.at(-1)).toBe('too much');
    await expect(take('late', 1_000, gone.signal)).resolves.toBeDefined();
  });
});
