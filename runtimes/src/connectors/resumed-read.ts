/**
 * A range over a network, whole or not at all.
 *
 * A connection that ends too early is resumed where it ended, as long as each attempt brings
 * something; what ends the reading is thrown to the loop that owns the work, and that loop waits.
 * Bytes go straight to their place, so a range takes its own size of memory and a socket's buffer.
 */
import type { Clock } from '@millrace/kit/clock';
import { backoffMs } from '@millrace/kit/retry';
import { Transient } from '@millrace/kit/transient';

export interface ResumedRead {
  /** For messages. */
  readonly label: string;
  readonly offset: number;
  readonly length: number;
  /** Memory to read into, if it is large enough. */
  readonly into?: Buffer | undefined;
  readonly clock: Clock;
  /** One connection that reads on from an offset; ends it when the iteration ends. */
  open(rest: { readonly offset: number; readonly length: number }): AsyncIterable<Buffer>;
}

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

export async function readResumed(read: ResumedRead): Promise<Buffer> {
  const { label, offset, length, into, clock } = read;
  const fits = into !== undefined && into.length >= length;
  const bytes = fits ? into.subarray(0, length) : Buffer.allocUnsafe(length);
  const endMs = clock.monotonic() + deadlineMs;
  let filled = 0;
  for (let fruitless = 0; filled < length;) {
    const before = filled;
    try {
      for await (const piece of read.open({ offset: offset + filled, length: length - filled })) {
        // More than was asked for is not of this range.
        filled += piece.copy(bytes, filled);
        requireInTime(clock.monotonic() - endMs, { label, filled, length });
      }
      if (filled < length) throw cut({ label, filled, length });
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

interface Filled {
  readonly label: string;
  readonly filled: number;
  readonly length: number;
}

function requireInTime(lateMs: number, { label, filled, length }: Filled): void {
  if (lateMs <= 0 || filled === length) return;
  throw new Transient(
    'SourceSlow',
    `Reading ${label}: only ${filled} of ${length} bytes came in the ${deadlineMs / 1_000} seconds that a chunk ` +
      'may take. If it stays so slow, choose smaller chunkBytes in a new import.',
    { backend: 'source' },
  );
}

function cut({ label, filled, length }: Filled): Transient {
  return new Transient(
    'SourceCut',
    `Reading ${label}: the connection ended after ${filled} of ${length} bytes.`,
    { backend: 'source' },
  );
}
