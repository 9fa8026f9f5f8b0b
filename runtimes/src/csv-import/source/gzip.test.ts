import { randomBytes } from 'node:crypto';
import { crc32, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { collectGarbage } from '../../../test/garbage.ts';
import { inflate, isGzip } from './gzip.ts';

async function* blocksOf(bytes: Buffer, size: number): AsyncGenerator<Buffer, void, undefined> {
  for (let at = 0; at < bytes.length; at += size) {
    yield await Promise.resolve(bytes.subarray(at, at + size));
  }
}

interface Inflated {
  readonly text: string;
  readonly failure: unknown;
}

async function inflated(bytes: Buffer, blockBytes = 7): Promise<Inflated> {
  const pieces: Buffer[] = [];
  let failure: unknown;
  try {
    for await (const piece of inflate(blocksOf(bytes, blockBytes), 'data.csv.gz')) {
      pieces.push(piece);
    }
  } catch (error) {
    failure = error;
  }
  return { text: Buffer.concat(pieces).toString(), failure };
}

function brokenBecause(what: string): unknown {
  return expect.objectContaining({
    family: 'Permanent',
    code: 'GzipBroken',
    message: expect.stringContaining(what) as string,
  });
}

describe('inflating', () => {
  it('gives the text of all members, wherever the input is cut and padded', async () => {
    const part = fc.string({ maxLength: 200 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(part, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 64 }),
        fc.integer({ min: 0, max: 100 }),
        async (parts, blockBytes, zeros) => {
          const members = parts.map((text) => gzipSync(text));
          const bytes = Buffer.concat([...members, Buffer.alloc(zeros)]);

          expect(await inflated(bytes, blockBytes)).toEqual({
            text: parts.join(''),
            failure: undefined,
          });
        },
      ),
      { numRuns: 40 },
    );
  });

  it('reads over whatever else the header of a member holds', async () => {
    const plain = gzipSync('second');
    // A checksum of the header, a field of programs' own, a name and a comment.
    const header = Buffer.concat([
      Buffer.from([0x1f, 0x8b, 8, 0b0001_1110, 0, 0, 0, 0, 0, 3]),
      Buffer.from([4, 0, 0x41, 0x42, 0, 0]),
      Buffer.from('data.csv\0made by hand\0', 'latin1'),
    ]);
    const checksum = Buffer.alloc(2);
    checksum.writeUInt16LE(crc32(header) % 65_536);
    const rich = Buffer.concat([header, checksum, plain.subarray(10)]);
    const members = [rich, gzipSync(''), gzipSync('first'), gzipSync(''), rich, gzipSync('')];

    for (const size of [1, 7, 4_096]) {
      expect(await inflated(Buffer.concat(members), size)).toEqual({
        text: 'secondfirstsecond',
        failure: undefined,
      });
    }
    const damaged = Buffer.concat([header, Buffer.from([0, 0]), plain.subarray(10)]);
    expect((await inflated(damaged)).failure).toEqual(brokenBecause('damaged'));
  });

  it('of a stream that ends too early fails after what was there, wherever it ends', async () => {
    const bytes = Buffer.concat([gzipSync('first'), gzipSync('second')]);
    const whole = gzipSync('first').length;

    for (const end of [bytes.length - 1, bytes.length - 8, whole + 12, whole + 1]) {
      const { text, failure } = await inflated(bytes.subarray(0, end));
      expect(failure).toEqual(brokenBecause('ends in the middle'));
      expect(text.startsWith('first')).toBe(true);
    }
    expect((await inflated(bytes.subarray(0, whole))).failure).toBeUndefined();
  });

  it.each([1, 7, 4_096])(
    'notices anything but padding after the end, blocks of %i',
    async (size) => {
      const zeros = Buffer.alloc(20);
      const garbage = Buffer.concat([gzipSync('text'), Buffer.from('garbage')]);
      const paddedGarbage = Buffer.concat([gzipSync('text'), zeros, Buffer.from('x')]);
      const hiddenMember = Buffer.concat([gzipSync('text'), zeros, gzipSync('hidden')]);

      expect((await inflated(garbage, size)).failure).toEqual(brokenBecause('damaged'));
      expect((await inflated(paddedGarbage, size)).failure).toEqual(
        brokenBecause('something else'),
      );
      expect((await inflated(hiddenMember, size)).failure).toEqual(brokenBecause('something else'));
    },
  );

  it('notices a wrong checksum, a wrong length and damaged content', async () => {
    const flipped = (place: number): Buffer => {
      const bytes = gzipSync('some text that is long enough to be damaged somewhere');
      const at = place < 0 ? bytes.length + place : place;
      bytes[at] = (bytes[at] as number) ^ 0xff;
      return bytes;
    };

    expect((await inflated(flipped(-8))).failure).toEqual(brokenBecause('checksum'));
    expect((await inflated(flipped(-1))).failure).toEqual(brokenBecause('damaged'));
    expect((await inflated(flipped(0))).failure).toEqual(brokenBecause('damaged'));
    expect((await inflated(Buffer.alloc(0))).failure).toBeDefined();
  });

  it('passes the failure of its input on as it is', async () => {
    const failure = new Error('the network');
    async function* failing(): AsyncGenerator<Buffer, void, undefined> {
      yield gzipSync('x').subarray(0, 5);
      await Promise.resolve();
      throw failure;
    }

    const read = inflate(failing(), 'data.csv.gz').next();

    await expect(read).rejects.toBe(failure);
  });

  it('reads of a bomb only as much as is asked for, and gives the input back', async () => {
    const bomb = gzipSync(Buffer.alloc(16 * 1_048_576));
    let taken = 0;
    let isClosed = false;
    async function* counting(): AsyncGenerator<Buffer, void, undefined> {
      try {
        for await (const block of blocksOf(bomb, 512)) {
          taken += block.length;
          yield block;
        }
      } finally {
        isClosed = true;
      }
    }

    const reading = inflate(counting(), 'bomb.gz');
    let got = 0;
    while (got < 1_048_576) got += ((await reading.next()).value as Buffer).length;
    await reading.return();

    expect(got).toBeLessThan(2 * 1_048_576);
    expect(taken).toBeLessThan(bomb.length / 4);
    await expect.poll(() => isClosed).toBe(true);
  });

  it('keeps nothing of the blocks that were used up', async () => {
    const held: number[] = [];
    async function* measured(): AsyncGenerator<Buffer, void, undefined> {
      let blocks = 0;
      for await (const block of blocksOf(gzipSync(randomBytes(6_000)), 1)) {
        yield block;
        blocks += 1;
        if (blocks !== 1_000 && blocks !== 6_000) continue;
        await collectGarbage();
        held.push(process.memoryUsage().heapUsed);
      }
    }

    for await (const _ of inflate(measured(), 'data.csv.gz'));

    const [before = 0, after = Infinity] = held;
    expect(after - before).toBeLessThan(5_000 * 100);
  });

  it('is for what begins as gzip does', () => {
    expect(isGzip(gzipSync(''))).toBe(true);
    expect(isGzip(Buffer.from('id,name\n'))).toBe(false);
    expect(isGzip(Buffer.alloc(0))).toBe(false);
  });
});
