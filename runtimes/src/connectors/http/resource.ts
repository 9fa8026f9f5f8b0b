/**
 * What stands at an address: whether ranges of one version can be read, or only the whole content
 * from its start.
 *
 * Ranges need a server that answers 206 and a strong ETag, which names one version to the byte. Each
 * range is asked for with If-Range, so that another version comes as 200 and is noticed. Without that
 * the content is a stream: what the server says of it (length, ETag, date) is compared at each
 * opening, and the caller must compare what it read before.
 */
import type { Failure } from '@millrace/kit/failure';
import { get, type Answer, type HttpPlace } from './client.ts';
import { otherRange, refusal, sourceChanged, sourceCut } from './failures.ts';
import { contentRange, type ContentRange } from './content-range.ts';
import { retryAfterMs } from './retry-after.ts';

/** One version of the content, readable in ranges. */
export interface RangedContent {
  readonly kind: 'http';
  readonly size: number;
  readonly etag: string;
}

/** Why a content can be read from its start only. */
export type WhyStream = 'NoRanges' | 'NoStrongETag';

/** Readable from its start only. What a server does not say is left out. */
export interface StreamedContent {
  readonly kind: 'http-stream';
  readonly why: WhyStream;
  /** Undefined where nobody says it before the end. */
  readonly size?: number;
  readonly etag?: string;
  readonly lastModified?: string;
}

export type Content = RangedContent | StreamedContent;

/** Any server has ranges of this size, if it has ranges. */
const probe = 'bytes=0-0';

export async function identifyContent(place: HttpPlace, signal?: AbortSignal): Promise<Content> {
  const answer = await get(place, { headers: { range: probe }, signal });
  answer.drop();
  if (answer.status === 416) return await identifyStream(place, signal);
  const etag = answer.header('etag');
  const range = contentRange(answer.header('content-range'));
  const isRange = answer.status === 206 && range?.start === 0;
  if (!isRange) {
    requireContent(place, answer);
    return streamed(answer, 'NoRanges', lengthOf(answer));
  }
  if (range.total === undefined) return streamed(answer, 'NoRanges', undefined);
  if (etag === undefined || !isStrong(etag)) return streamed(answer, 'NoStrongETag', range.total);
  return { kind: 'http', size: range.total, etag };
}

/** No first byte to give: an empty content, which is not told from one without ranges. */
async function identifyStream(
  place: HttpPlace,
  signal: AbortSignal | undefined,
): Promise<StreamedContent> {
  const answer = await get(place, { signal });
  answer.drop();
  requireContent(place, answer);
  return streamed(answer, 'NoRanges', lengthOf(answer));
}

function streamed(answer: Answer, why: WhyStream, size: number | undefined): StreamedContent {
  const etag = answer.header('etag');
  const lastModified = answer.header('last-modified');
  return {
    kind: 'http-stream',
    why,
    ...(size === undefined ? {} : { size }),
    ...(etag === undefined ? {} : { etag }),
    ...(lastModified === undefined ? {} : { lastModified }),
  };
}

/** `W/"…"` promises the same meaning, not the same bytes. */
function isStrong(etag: string): boolean {
  return etag.startsWith('"') && etag.endsWith('"') && etag.length > 2;
}

function lengthOf(answer: Answer): number | undefined {
  const text = answer.header('content-length');
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function requireContent(place: HttpPlace, answer: Answer): void {
  if (answer.status === 200) return;
  answer.drop();
  const { status } = answer;
  throw refusal({ status, retryAfterMs: retryAfterMs(answer.header('retry-after')) }, place.label);
}

export interface Bytes {
  readonly offset: number;
  readonly length: number;
}

/**
 * The bytes of a range of the pinned version, as they come, at most as many as were asked for. Fewer
 * mean that the connection ended too early.
 */
export async function* openRange(
  place: HttpPlace,
  pinned: RangedContent,
  { offset, length, signal }: Bytes & { readonly signal?: AbortSignal | undefined },
): AsyncGenerator<Buffer, void, undefined> {
  const headers = { range: `bytes=${offset}-${offset + length - 1}`, 'if-range': pinned.etag };
  const answer = await get(place, { headers, signal });
  const skip = requireRange(place, pinned, { answer, offset });
  yield* piece(answer.body(), { offset: skip, length });
}

interface RangeAnswer {
  readonly answer: Answer;
  readonly offset: number;
}

/** How many bytes of the answer come before the range. */
function requireRange(place: HttpPlace, pinned: RangedContent, it: RangeAnswer): number {
  const { answer, offset } = it;
  const range = contentRange(answer.header('content-range'));
  const failure = whyNoRange(place.label, pinned, { ...it, range });
  if (failure !== undefined) {
    answer.drop();
    throw failure;
  }
  return answer.status === 200 ? offset : 0;
}

function whyNoRange(
  label: string,
  pinned: RangedContent,
  { answer, offset, range }: RangeAnswer & { readonly range: ContentRange | undefined },
): Failure | undefined {
  const { status } = answer;
  // 412 and 416: the version that had this range is gone.
  if (status === 412 || status === 416) return sourceChanged(label);
  if (status !== 206 && status !== 200) {
    return refusal({ status, retryAfterMs: retryAfterMs(answer.header('retry-after')) }, label);
  }
  if (isOtherVersion(pinned, answer, range)) return sourceChanged(label);
  return status === 200 || range?.start === offset ? undefined : otherRange(label);
}

function isOtherVersion(
  pinned: RangedContent,
  answer: Answer,
  range: ContentRange | undefined,
): boolean {
  const etag = answer.header('etag');
  // All of it, and not even a name: that is what If-Range promises for another version.
  if (answer.status === 200) return etag !== pinned.etag;
  if (etag !== undefined && etag !== pinned.etag) return true;
  return range?.total !== undefined && range.total !== pinned.size;
}

/**
 * Skips and ends early, whatever else the server sends. What is skipped comes as empty pieces, since
 * whoever reads asks only between pieces whether it takes too long.
 */
async function* piece(
  body: AsyncIterable<Buffer>,
  { offset, length }: Bytes,
): AsyncGenerator<Buffer, void, undefined> {
  const end = offset + length;
  let at = 0;
  for await (const bytes of body) {
    const from = Math.max(0, offset - at);
    const to = Math.min(bytes.length, end - at);
    at += bytes.length;
    yield bytes.subarray(from, Math.max(from, to));
    if (at >= end) return;
  }
}

/** Throws SourceChanged if the address holds another version than the pinned one. */
export async function checkContent(place: HttpPlace, pinned: RangedContent): Promise<void> {
  if (pinned.size === 0) return;
  for await (const _ of openRange(place, pinned, { offset: 0, length: 1 })) return;
}

/** The whole content from its start, if it is what was pinned as far as the server says. */
export async function* openStream(
  place: HttpPlace,
  pinned: StreamedContent,
  signal?: AbortSignal,
): AsyncGenerator<Buffer, void, undefined> {
  const answer = await get(place, { signal });
  requireContent(place, answer);
  const now = streamed(answer, pinned.why, lengthOf(answer));
  if (!isSameContent(pinned, now)) {
    answer.drop();
    throw sourceChanged(place.label);
  }
  let got = 0;
  for await (const bytes of answer.body()) {
    got += bytes.length;
    yield bytes;
  }
  const { size } = now;
  if (size !== undefined && got !== size) throw sourceCut(place.label, got, size);
}

/**
 * What only one of them says is no difference, and neither is a server that has learnt to give ranges
 * since.
 */
export function isSameContent(pinned: StreamedContent, now: Content): boolean {
  const differs = (one: unknown, other: unknown): boolean =>
    one !== undefined && other !== undefined && one !== other;
  if (differs(pinned.size, now.size) || differs(pinned.etag, now.etag)) return false;
  return now.kind === 'http' || !differs(pinned.lastModified, now.lastModified);
}
