import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { systemClock } from '@millrace/kit/clock';
import { Transient } from '@millrace/kit/transient';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backendUrls } from '../../connectors/backend-urls.ts';
import { regroup, startOf, type ByteStream } from './byte-stream.ts';
import { contentChanged } from './changed.ts';
import { openSource } from './open-source.ts';
import { isSequential } from './sequential-identity.ts';
import { SequentialRanges } from './sequential-ranges.ts';
import type { SequentialIdentity, Source, SourceIdentity } from './source.ts';
import { StreamWindow } from './stream-window.ts';

const pinned: SequentialIdentity = {
  kind: 'sequential',
  why: 'Gzip',
  size: 0,
  of: { kind: 'http-stream', why: 'NoRanges' },
  head: { bytes: 0, sha256: '' },
};
const bytes = Buffer.from(Array.from({ length: 5_000 }, (_, n) => n % 251));

/** Pieces of changing sizes, some of them empty. */
async function* streamOf(content: Buffer, sizes: readonly number[] = [7, 0, 1, 300]): ByteStream {
  for (let at = 0, n = 0; at < content.length; n += 1) {
    const size = sizes[n % sizes.length] ?? 1;
    yield await Promise.resolve(content.subarray(at, at + size));
    at += size;
  }
}

async function all(stream: AsyncIterable<Buffer>): Promise<Buffer[]> {
  const blocks: Buffer[] = [];
  for await (const block of stream) blocks.push(block);
  return blocks;
}

interface SourceFile extends AsyncDisposable {
  readonly source: Source;
  readonly path: string;
}

async function sourceOf(
  content: Buffer,
  compression?: 'Auto' | 'None' | 'Gzip',
): Promise<SourceFile> {
  const mountPath = await mkdtemp(join(tmpdir(), 'millrace-sequential-'));
  await writeFile(join(mountPath, 'data.csv'), content);
  const source = openSource(
    { volume: { mountPath, path: 'data.csv' }, ...(compression && { compression }) },
    { urls: backendUrls(mountPath, {}), clock: systemClock },
  );
  return {
    source,
    path: join(mountPath, 'data.csv'),
    [Symbol.asyncDispose]: () => rm(mountPath, { recursive: true, force: true }),
  };
}

describe('a stream', () => {
  it('is regrouped into blocks from any offset on', async () => {
    const sizes = fc
      .array(fc.nat(600), { minLength: 1, maxLength: 5 })
      .filter((it) => it.some(Boolean));
    await fc.assert(
      fc.asyncProperty(
        sizes,
        fc.nat(5_500),
        fc.integer({ min: 1, max: 900 }),
        async (pieces, from, blockBytes) => {
          const blocks = await all(regroup(streamOf(bytes, pieces), { from, blockBytes }));

          expect(Buffer.concat(blocks)).toEqual(bytes.subarray(from));
          expect(blocks.slice(0, -1).every(({ length }) => length === blockBytes)).toBe(true);
        },
      ),
      { numRuns: 40 },
    );
    expect(await startOf(streamOf(bytes), 100)).toEqual(bytes.subarray(0, 100));
    expect(await startOf(streamOf(Buffer.alloc(0)), 100)).toEqual(Buffer.alloc(0));
  });

  it('that is broken for ever gives what it held before; one that is cut for now does not', async () => {
    async function* ending(failure: Error): ByteStream {
      yield* streamOf(bytes.subarray(0, 10));
      throw failure;
    }
    const read = async (failure: Error): Promise<unknown[]> => {
      const blocks: unknown[] = [];
      try {
        const stream = regroup(ending(failure), { from: 0, blockBytes: 100 });
        for await (const block of stream) blocks.push(block);
      } catch (error) {
        blocks.push(error);
      }
      return blocks;
    };
    const [broken, cut] = [contentChanged('x'), new Transient('SourceCut', 'x')];

    expect(await read(broken)).toEqual([bytes.subarray(0, 10), broken]);
    expect(await read(cut)).toEqual([cut]);
  });

  it('gives ranges in any order, opened again only to go back', async () => {
    let opened = 0;
    const ranges = new SequentialRanges(() => {
      opened += 1;
      return streamOf(bytes);
    }, 'data');
    const read = (offset: number, length: number): Promise<Buffer> =>
      ranges.read(pinned, { offset, length });

    const [first, second, third] = await Promise.all([read(0, 10), read(10, 900), read(2_000, 5)]);
    const before = opened;
    const back = await read(1_999, 2);

    expect(Buffer.concat([first, second])).toEqual(bytes.subarray(0, 910));
    expect(third).toEqual(bytes.subarray(2_000, 2_005));
    expect(back).toEqual(bytes.subarray(1_999, 2_001));
    expect([before, opened]).toEqual([1, 2]);
    expect(await ranges.length(pinned)).toBe(bytes.length);
    await expect(read(4_999, 2)).rejects.toMatchObject({ code: 'SourceChanged' });
    expect(await read(4_999, 1)).toEqual(bytes.subarray(4_999));
  });
});

describe('the window on a stream', () => {
  const forEver = new AbortController().signal;
  const windowOf = (bytesMax: number, sizes = [100]): StreamWindow =>
    new StreamWindow(streamOf(bytes, sizes), { start: 0, bytesMax, signal: forEver });

  it('holds what was pulled until it is released', async () => {
    const window = windowOf(10_000);
    for (let n = 0; n < 5; n += 1) await window.pull();

    const copied = window.copy({ offset: 50, length: 300 });
    const digest = window.digest({ offset: 50, length: 300 });
    window.release(450);

    expect(copied).toEqual(bytes.subarray(50, 350));
    expect(digest?.toString('hex')).toMatch(/^[0-9a-f]{64}$/);
    expect(window.copy({ offset: 450, length: 51 })).toBeUndefined();
    expect(window.copy({ offset: 450, length: 50 })).toEqual(bytes.subarray(450, 500));
    const whole = new StreamWindow(streamOf(bytes), { start: 0, bytesMax: 9, signal: forEver });
    while ((await whole.pull()) !== undefined);
    expect(whole.end).toBe(bytes.length);
  });

  it('keeps of too much only the beginning and the last block', async () => {
    const long = Buffer.concat(Array.from({ length: 40 }, () => bytes));
    const stream = streamOf(long, [10_000]);
    const window = new StreamWindow(stream, { start: 0, bytesMax: 100_000, signal: forEver });
    while ((await window.pull()) !== undefined);

    expect(window.copy({ offset: 0, length: 65_536 })).toEqual(long.subarray(0, 65_536));
    expect(window.copy({ offset: 195_000, length: 5_000 })).toEqual(long.subarray(195_000));
    expect(window.copy({ offset: 80_000, length: 10 })).toBeUndefined();
  });

  it('waits no longer than it is told to', async () => {
    const stop = new AbortController();
    async function* silent(): ByteStream {
      await new Promise(() => undefined);
      yield bytes;
    }
    const window = new StreamWindow(silent(), { start: 0, bytesMax: 1, signal: stop.signal });

    const pulled = window.pull();
    stop.abort();

    expect(await pulled).toBeUndefined();
  });
});

describe('a file', () => {
  it('is read in ranges as it is, and from its start when it is compressed', async () => {
    await using plain = await sourceOf(bytes);
    await using packed = await sourceOf(gzipSync(bytes));
    await using asItIs = await sourceOf(gzipSync(bytes), 'None');
    const kindOf = async ({ source }: SourceFile): Promise<SourceIdentity['kind']> =>
      (await source.identify()).kind;

    expect(isSequential(await plain.source.identify())).toBe(false);
    expect(await kindOf(packed)).toBe('sequential');
    expect(await kindOf(asItIs)).toBeUndefined();
    for (const { source } of [plain, packed]) {
      const identity = await source.identify();
      const start = await source.readStart(identity, 9);
      const whole = await source.readStart(identity, 6_000);
      const blocks = await all(source.readBlocks(identity, { from: 4_000, blockBytes: 300 }));
      expect(start).toEqual({ bytes: bytes.subarray(0, 9), isWhole: false });
      expect(whole).toEqual({ bytes, isWhole: true });
      expect(Buffer.concat(blocks)).toEqual(bytes.subarray(4_000));
      expect(await source.lengthOf(identity)).toBe(bytes.length);
      expect(await source.readRange(identity, { offset: 30, length: 3 })).toEqual(
        bytes.subarray(30, 33),
      );
    }
  });

  it('that is to be compressed and is not is refused', async () => {
    await using plain = await sourceOf(bytes, 'Gzip');

    await expect(plain.source.identify()).rejects.toMatchObject({
      family: 'Permanent',
      code: 'GzipBroken',
    });
  });

  it('that is compressed is known by its stored version and by its beginning', async () => {
    await using packed = await sourceOf(gzipSync(bytes));
    const identity = await packed.source.identify();
    const forged = { ...identity, head: { bytes: 3, sha256: 'other' } } as SequentialIdentity;

    await expect(packed.source.readStart(forged, 1)).rejects.toMatchObject({
      code: 'SourceChanged',
    });
    await writeFile(packed.path, gzipSync('other'));
    const { source } = packed;
    await expect(source.check(identity)).rejects.toMatchObject({ code: 'SourceChanged' });
    await expect(source.checkThoroughly(identity)).rejects.toMatchObject({ code: 'SourceChanged' });
  });
});
