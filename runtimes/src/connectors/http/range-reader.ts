/**
 * Ranges of one version of a content, whole or not at all.
 *
 * A connection that ends too early is resumed where it ended, as long as each attempt brings something;
 * what ends the reading is thrown to the loop that owns the work, and that loop waits. Bytes go
 * straight to their place, so a range takes its own size of memory and a socket's buffer.
 */
import type { Clock } from '@millrace/kit/clock';
import { backoffMs } from '@millrace/kit/retry';
import { Transient } from '@millrace/kit/transient';
import type { HttpPlace } from './client.ts';
import { sourceCut, sourceSlow } from './failures.ts';
import { openRange, type Bytes, type RangedContent } from './resource.ts';

/** Cut connections in a row that brought no byte. The caller holds a transaction and can wait better. */
const fruitlessMax = 3;
const backoff = { baseMs: 100, maxMs: 1_000 };
/** What may be resumed here; anything else the server should not be asked again at once. */
const resumable: ReadonlySet<string> = new Set(['SourceCut', 'SourceSilent', 'SourceUnreachable']);
/**
 * A transaction that rests for a minute is ended by the database, so a range that takes longer is
 * better given up here, where the reason is known.
 */
const deadlineMs = 50_000;

export interface RangeReading extends Bytes {
  /** Memory to read into, if it is large enough. */
  readonly into?: Buffer | undefined;
}

export async function readRange(
  place: HttpPlace,
  pinned: RangedContent,
  { range, clock }: { readonly range: RangeReading; readonly clock: Clock },
): Promise<Buffer> {
  const { offset, length, into } = range;
  const fits = into !== undefined && into.length >= length;
  const bytes = fits ? into.subarray(0, length) : Buffer.allocUnsafe(length);
  const endMs = clock.monotonic() + deadlineMs;
  let filled = 0;
  const take = (piece: Buffer): void => {
    piece.copy(bytes, filled);
    filled += piece.length;
    const isLate = filled < length && clock.monotonic() > endMs;
    if (isLate) throw sourceSlow(place.label, filled, length);
  };
  for (let fruitless = 0; filled < length;) {
    const before = filled;
    try {
      const rest = { offset: offset + filled, length: length - filled };
      for await (const piece of openRange(place, pinned, rest)) take(piece);
      if (filled < length) throw sourceCut(place.label, filled, length);
    } catch (error) {
      fruitless = filled > before ? 0 : fruitless + 1;
      if (!mayResume(error, fruitless)) throw error;
      await clock.sleep(backoffMs(fruitless + 1, backoff));
    }
  }
  return bytes;
}

/** After silence that brought nothing, more of it is all there is to expect. */
function mayResume(error: unknown, fruitless: number): boolean {
  if (!(error instanceof Transient) || !resumable.has(error.code)) return false;
  return fruitless === 0 || (error.code === 'SourceCut' && fruitless < fruitlessMax);
}

/** Reads on to the end in blocks; each is a request of its own, so no connection outlives its use. */
export async function* readBlocks(
  place: HttpPlace,
  pinned: RangedContent,
  options: { readonly from: number; readonly blockBytes: number; readonly clock: Clock },
): AsyncGenerator<Buffer, void, undefined> {
  const { clock, blockBytes } = options;
  for (let offset = options.from; offset < pinned.size; offset += blockBytes) {
    const length = Math.min(blockBytes, pinned.size - offset);
    yield await readRange(place, pinned, { range: { offset, length }, clock });
  }
}
