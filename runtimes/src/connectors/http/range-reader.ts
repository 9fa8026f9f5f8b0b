/** Ranges of one version of a content, whole or not at all; see `resumed-read.ts`. */
import type { Clock } from '@millrace/kit/clock';
import { readResumed } from '../resumed-read.ts';
import type { HttpPlace } from './client.ts';
import { openRange, type Bytes, type RangedContent } from './resource.ts';

export interface RangeReading extends Bytes {
  /** Memory to read into, if it is large enough. */
  readonly into?: Buffer | undefined;
}

export async function readRange(
  place: HttpPlace,
  pinned: RangedContent,
  { range, clock }: { readonly range: RangeReading; readonly clock: Clock },
): Promise<Buffer> {
  return await readResumed({
    ...range,
    label: place.label,
    clock,
    open: (rest) => openRange(place, pinned, rest),
  });
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
