/**
 * One object of an S3 store in one version: its identity, and ranges of exactly that version.
 *
 * Every request names the ETag that was pinned, and the version where the bucket keeps versions; the
 * answer's own ETag and range are compared too, since not every compatible store looks at what it is
 * asked. An answer that stops for a while is a Transient failure, not a silent wait. Nothing is tried
 * again here but reading on within a range.
 */
import type { GetObjectCommandOutput, HeadObjectCommandOutput } from '@aws-sdk/client-s3';
import type { Clock } from '@millrace/kit/clock';
import type { Failure } from '@millrace/kit/failure';
import { Permanent } from '@millrace/kit/permanent';
import type { Transient } from '@millrace/kit/transient';
import { readResumed } from '../resumed-read.ts';
import type { S3Connection } from './client.ts';
import { sourceChanged, transient, translate } from './failures.ts';

export interface S3Place {
  readonly bucket: string;
  readonly key: string;
  /** Which version; the newest if left out. */
  readonly versionId?: string;
  connect(): Promise<S3Connection>;
  readonly clock: Clock;
  /** Longest silence of an answer under way. */
  readonly idleMs?: number;
}

export interface ObjectIdentity {
  readonly size: number;
  readonly etag: string;
  readonly versionId?: string;
}

export interface ObjectRange {
  readonly offset: number;
  readonly length: number;
  readonly into?: Buffer | undefined;
}

/** Stores answer within a second; one that restores from cold storage says so instead of waiting. */
const defaultIdleMs = 20_000;

export function labelOf({ bucket, key }: Pick<S3Place, 'bucket' | 'key'>): string {
  return `s3://${bucket}/${key}`;
}

/** What the object is now. */
export async function identifyObject(
  place: S3Place,
  signal?: AbortSignal,
): Promise<ObjectIdentity> {
  const head = await askHead(place, { versionId: place.versionId, signal });
  const { ContentLength: size, ETag: etag, VersionId: versionId } = head;
  if (size === undefined || etag === undefined) {
    throw new Permanent(
      'SourceUnreadable',
      `Reading ${labelOf(place)}: the store tells no size or no ETag, so no version can be pinned.`,
      { backend: 'source' },
    );
  }
  // Objects from before versions were kept have the version "null", which can be overwritten.
  const isVersion = versionId !== undefined && versionId !== 'null';
  return { size, etag, ...(isVersion ? { versionId } : {}) };
}

/** Throws SourceChanged unless the pinned version is still there. */
export async function checkObject(place: S3Place, pinned: ObjectIdentity): Promise<void> {
  const head = await askHead(place, { versionId: pinned.versionId, etag: pinned.etag });
  if (head.ETag !== pinned.etag || head.ContentLength !== pinned.size) {
    throw sourceChanged(labelOf(place));
  }
}

export async function readObjectRange(
  place: S3Place,
  pinned: ObjectIdentity,
  range: ObjectRange,
): Promise<Buffer> {
  return await readResumed({
    ...range,
    label: labelOf(place),
    clock: place.clock,
    open: (rest) => openRange(place, pinned, rest),
  });
}

/** Reads on to the end in blocks, one ahead: the next is on its way while a block is worked on. */
export async function* readObjectBlocks(
  place: S3Place,
  pinned: ObjectIdentity,
  { from, blockBytes }: { readonly from: number; readonly blockBytes: number },
): AsyncGenerator<Buffer, void, undefined> {
  const blockAt = async (offset: number): Promise<Buffer> =>
    await readObjectRange(place, pinned, {
      offset,
      length: Math.min(blockBytes, pinned.size - offset),
    });
  let next = from < pinned.size ? blockAt(from) : undefined;
  for (let offset = from; next !== undefined;) {
    const block = await next;
    offset += block.length;
    next = offset < pinned.size ? blockAt(offset) : undefined;
    // Whoever stops iterating leaves it to itself.
    next?.catch(() => undefined);
    yield block;
  }
}

interface HeadAsked {
  readonly versionId: string | undefined;
  readonly etag?: string;
  readonly signal?: AbortSignal | undefined;
}

async function askHead(place: S3Place, asked: HeadAsked): Promise<HeadObjectCommandOutput> {
  const { versionId, etag, signal } = asked;
  const input = { ...inputOf(place, versionId), ...(etag === undefined ? {} : { IfMatch: etag }) };
  const silence = new Silence(place, signal);
  try {
    const { sdk, client } = await place.connect();
    const { signal: abortSignal } = silence;
    return await client.send(new sdk.HeadObjectCommand(input), { abortSignal });
  } catch (error) {
    const failure = silence.failure ?? translate(error, labelOf(place));
    // An answer to HEAD has no body, so it cannot say which of S3's reasons it was.
    if (failure.family === 'Permanent' || failure.code === 'SourceRefused') {
      throw (await reasonOf(place, asked)) ?? failure;
    }
    throw failure;
  } finally {
    silence.end();
  }
}

/** Asks for the first byte, whose refusal comes with words. */
async function reasonOf(place: S3Place, { versionId }: HeadAsked): Promise<Failure | undefined> {
  const silence = new Silence(place);
  try {
    const { sdk, client } = await place.connect();
    const input = { ...inputOf(place, versionId), Range: 'bytes=0-0' };
    const { signal: abortSignal } = silence;
    const answer = await client.send(new sdk.GetObjectCommand(input), { abortSignal });
    destroyBody(answer);
    return undefined;
  } catch (error) {
    const failure = translate(error, labelOf(place));
    // Of an empty object there is no first byte.
    return failure.code === 'SourceChanged' ? undefined : failure;
  } finally {
    silence.end();
  }
}

async function* openRange(
  place: S3Place,
  pinned: ObjectIdentity,
  { offset, length }: { readonly offset: number; readonly length: number },
): AsyncGenerator<Buffer, void, undefined> {
  const label = labelOf(place);
  const silence = new Silence(place);
  let answer: GetObjectCommandOutput | undefined;
  try {
    const { sdk, client } = await place.connect();
    const input = {
      ...inputOf(place, pinned.versionId),
      IfMatch: pinned.etag,
      Range: `bytes=${offset}-${offset + length - 1}`,
    };
    const { signal: abortSignal } = silence;
    answer = await client.send(new sdk.GetObjectCommand(input), { abortSignal });
    requireRange(answer, { offset, length, pinned, label });
    for await (const piece of answer.Body as AsyncIterable<Buffer>) {
      silence.broken();
      yield piece;
    }
  } catch (error) {
    throw silence.failure ?? translate(error, label);
  } finally {
    silence.end();
    destroyBody(answer);
  }
}

interface Asked {
  readonly offset: number;
  readonly length: number;
  readonly pinned: ObjectIdentity;
  readonly label: string;
}

/** A store that ignores If-Match or Range must not bring bytes of another version or place. */
function requireRange(
  { ETag: etag, ContentRange: range }: GetObjectCommandOutput,
  { offset, length, pinned, label }: Asked,
): void {
  if (etag !== undefined && etag !== pinned.etag) throw sourceChanged(label);
  const isWhole = offset === 0 && length === pinned.size;
  if (range === undefined && isWhole) return;
  const last = offset + length - 1;
  if (range === `bytes ${offset}-${last}/${pinned.size}`) return;
  if (range?.endsWith(`/${pinned.size}`) === false) throw sourceChanged(label);
  throw new Permanent(
    'SourceUnreadable',
    `Reading ${label}: the store does not serve the range that it is asked for.`,
    { backend: 'source' },
  );
}

function inputOf(
  { bucket, key }: S3Place,
  versionId: string | undefined,
): { Bucket: string; Key: string; VersionId?: string } {
  return { Bucket: bucket, Key: key, ...(versionId === undefined ? {} : { VersionId: versionId }) };
}

/** A body that is left lying keeps its socket. */
function destroyBody(answer: GetObjectCommandOutput | undefined): void {
  const body: unknown = answer?.Body;
  const destroy: unknown =
    typeof body === 'object' && body !== null && Reflect.get(body, 'destroy');
  if (typeof destroy === 'function') Reflect.apply(destroy, body, []);
}

/** Ends a request that says nothing for too long, or that its caller no longer wants. */
class Silence {
  readonly #stop = new AbortController();
  readonly #label: string;
  readonly #timer: NodeJS.Timeout;
  readonly signal: AbortSignal;
  /** What it was ended for, once it was silent too long. */
  failure: Transient | undefined;

  constructor(place: S3Place, signal?: AbortSignal) {
    this.#label = labelOf(place);
    const idleMs = place.idleMs ?? defaultIdleMs;
    this.#timer = setTimeout(() => {
      this.failure = transient(
        ['SourceSilent', `the store said nothing for ${idleMs / 1_000} seconds`],
        { label: this.#label },
      );
      this.#stop.abort(this.failure);
    }, idleMs);
    this.signal =
      signal === undefined ? this.#stop.signal : AbortSignal.any([this.#stop.signal, signal]);
  }

  /** It has said something. */
  broken(): void {
    this.#timer.refresh();
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}
