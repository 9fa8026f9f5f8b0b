/**
 * Inflates a gzip stream of any number of members, in memory that does not depend on its size.
 *
 * Every byte of the input counts: a stream that ends within a member, a wrong checksum, and anything
 * but zeros (padding of tapes and archives) after the last member end the reading with GzipBroken,
 * after everything before it was handed out. Inflating is paced by the reader, so that a file of a few
 * bytes which inflates to gigabytes takes time, and no more memory than any other.
 */
import { createGunzip, type Gunzip } from 'node:zlib';
import { Permanent } from '@millrace/kit/permanent';

/** Of the inflater's own output buffers; a scanner likes large pieces. */
const pieceBytes = 256 * 1_024;

/** The first bytes of every gzip member with the only method there is. */
export function isGzip(head: Buffer): boolean {
  return head[0] === 0x1f && head[1] === 0x8b && head[2] === 8;
}

export async function* inflate(
  packed: AsyncGenerator<Buffer, void, undefined>,
  label: string,
): AsyncGenerator<Buffer, void, undefined> {
  const gunzip = createGunzip({ chunkSize: pieceBytes });
  const pumping = pump(packed, gunzip, label);
  // It is awaited below; until then its failure is the stream's.
  pumping.catch(() => undefined);
  try {
    for await (const piece of gunzip) yield piece as Buffer;
    await pumping;
  } catch (error) {
    const code = error instanceof Error ? String(Reflect.get(error, 'code')) : '';
    throw code.startsWith('Z_') ? broken(label, whatIsWrong(code, error), error) : error;
  } finally {
    // A block that is still waited for comes or times out by itself; nobody has to wait for it.
    gunzip.destroy();
  }
}

/** Writes block after block, each when the one before it is used up. */
async function pump(
  packed: AsyncGenerator<Buffer, void, undefined>,
  gunzip: Gunzip,
  label: string,
): Promise<void> {
  let isEnded = false;
  try {
    for await (const block of packed) {
      if (gunzip.destroyed) return;
      const used: number = isEnded ? 0 : await write(gunzip, block);
      // The inflater takes everything but what follows the last member.
      isEnded ||= used < block.length;
      if (gunzip.destroyed) return;
      requirePadding(block.subarray(used), label);
    }
    if (!isEnded) gunzip.end();
  } catch (error) {
    gunzip.destroy(error instanceof Error ? error : undefined);
    throw error;
  }
}

/**
 * How much of the block the inflater took. What follows the last member it neither takes nor refuses,
 * so its end counts too. That is waited for anew with each block: a promise for all of them would hold
 * something of every one.
 */
async function write(gunzip: Gunzip, block: Buffer): Promise<number> {
  const before = gunzip.bytesWritten;
  const { promise: used, resolve } = Promise.withResolvers<void>();
  const done = (): void => resolve();
  gunzip.once('end', done).once('close', done);
  if (gunzip.readableEnded || gunzip.closed) done();
  try {
    gunzip.write(block, done);
    await used;
  } finally {
    gunzip.off('end', done).off('close', done);
  }
  return gunzip.bytesWritten - before;
}

function requirePadding(rest: Buffer, label: string): void {
  if (rest.some((byte) => byte !== 0)) {
    throw broken(label, 'holds something else after its compressed content');
  }
}

function broken(label: string, what: string, cause?: unknown): Permanent {
  return new Permanent(
    'GzipBroken',
    `${label} ${what}. Supply a whole file, in a new import if this one has begun; what was loaded before stays.`,
    { cause, backend: 'source' },
  );
}

function whatIsWrong(code: string, error: unknown): string {
  if (code === 'Z_BUF_ERROR') return 'ends in the middle of its compressed content';
  const text = error instanceof Error ? error.message : '';
  if (text.includes('data check')) return 'has compressed content with a wrong checksum';
  return 'has damaged compressed content';
}
