/**
 * Makes a source of a transport: as it is where ranges can be read, else read from its start.
 *
 * What is compressed is inflated; offsets are then those of the inflated bytes. A sequential source
 * has no version to ask for, so each opening compares its first MiB with what was pinned, and whoever
 * loads compares the rest chunk by chunk. Ranges of it may be asked for too: they are read on from the
 * last one, or from the start if they lie before it, which is slow and never wrong.
 */
import { createHash } from 'node:crypto';
import { Permanent } from '@millrace/kit/permanent';
import { regroup, startOf, type ByteStream } from './byte-stream.ts';
import { contentChanged } from './changed.ts';
import { inflate, isGzip } from './gzip.ts';
import { isSequential } from './sequential-identity.ts';
import { SequentialRanges } from './sequential-ranges.ts';
import type {
  SequentialIdentity,
  Source,
  SourceIdentity,
  StoredIdentity,
  Transport,
} from './source.ts';

export type Compression = 'Auto' | 'None' | 'Gzip';

/** As much as the dialect is found from: a source that differs there is another one. */
const headBytes = 1_048_576;
/** Gzip says what it is in three bytes. */
const magicBytes = 512;
/** Of what is stored; small enough that the first inflated bytes are soon there. */
const storedBlockBytes = 1_048_576;

export function sourceOf(transport: Transport, compression: Compression): Source {
  let come = { stored: 0, read: 0 };
  const open = (pinned: SequentialIdentity, count = { stored: 0, read: 0 }): ByteStream => {
    const blocks = transport.readBlocks(pinned.of, { from: 0, blockBytes: storedBlockBytes });
    const packed = counting(blocks, (bytes) => {
      count.stored += bytes;
    });
    const plain = pinned.why === 'Gzip' ? inflate(packed, transport.label) : packed;
    return counting(withHead(plain, pinned.head, transport.label), (bytes) => {
      count.read += bytes;
    });
  };
  // What is read of a range now and then is no progress.
  const ranges = new SequentialRanges((pinned) => open(pinned), transport.label);
  return {
    label: transport.label,
    progress: () => ({ ...come }),
    identify: async (signal) => await identify(transport, compression, signal),
    check: async (pinned) => await transport.check(storedIdentity(pinned)),
    checkThoroughly: async (pinned) => await transport.checkThoroughly(storedIdentity(pinned)),
    readRange: async (pinned, range) =>
      isSequential(pinned)
        ? await ranges.read(pinned, range)
        : await transport.readRange(pinned, range),
    lengthOf: async (pinned) => (isSequential(pinned) ? await ranges.length(pinned) : pinned.size),
    readBlocks: (pinned, options) => {
      if (!isSequential(pinned)) return transport.readBlocks(pinned, options);
      come = { stored: 0, read: 0 };
      return regroup(open(pinned, come), options);
    },
    readStart: async (pinned, length) => {
      if (isSequential(pinned)) {
        const bytes = await startOf(open(pinned), length);
        return { bytes, isWhole: bytes.length < length };
      }
      const isWhole = pinned.size <= length;
      const range = { offset: 0, length: Math.min(length, pinned.size) };
      return { bytes: await transport.readRange(pinned, range), isWhole };
    },
  };
}

function storedIdentity(pinned: SourceIdentity): StoredIdentity {
  return isSequential(pinned) ? pinned.of : pinned;
}

async function identify(
  transport: Transport,
  compression: Compression,
  signal: AbortSignal | undefined,
): Promise<SourceIdentity> {
  const of = await transport.identify(signal);
  const isPacked = compression !== 'None' && isGzip(await storedStart(transport, of, magicBytes));
  if (compression === 'Gzip' && !isPacked) {
    throw new Permanent(
      'GzipBroken',
      `${transport.label} is not compressed with gzip; supply another file or create a new import with spec.source.compression Auto.`,
      { backend: 'source' },
    );
  }
  const begin = async (
    why: SequentialIdentity['why'],
    open: (stored: ByteStream) => ByteStream,
  ): Promise<SequentialIdentity> => {
    const blocks = transport.readBlocks(of, { from: 0, blockBytes: storedBlockBytes });
    const start = await startOf(open(blocks), headBytes);
    const head = { bytes: start.length, sha256: digestOf(start) };
    return { kind: 'sequential', why, size: of.size ?? 0, of, head };
  };
  if (isPacked) return await begin('Gzip', (blocks) => inflate(blocks, transport.label));
  if (of.kind === 'http-stream') return await begin(of.why, (blocks) => blocks);
  return of;
}

async function storedStart(
  transport: Transport,
  of: StoredIdentity,
  bytes: number,
): Promise<Buffer> {
  if (of.kind === 'http-stream') {
    return await startOf(transport.readBlocks(of, { from: 0, blockBytes: bytes }), bytes);
  }
  return await transport.readRange(of, { offset: 0, length: Math.min(bytes, of.size) });
}

/** Hands out nothing of a stream that begins otherwise than the pinned one. */
async function* withHead(
  stream: ByteStream,
  head: SequentialIdentity['head'],
  label: string,
): ByteStream {
  const isWhole = head.bytes < headBytes;
  let blocks = 0;
  for await (const block of regroup(stream, { from: 0, blockBytes: Math.max(head.bytes, 1) })) {
    const isOther = blocks === 0 ? digestOf(block) !== head.sha256 : isWhole;
    if (isOther) throw contentChanged(label);
    blocks += 1;
    yield block;
  }
  if (blocks === 0 && head.bytes > 0) throw contentChanged(label);
}

function digestOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function* counting(stream: ByteStream, count: (bytes: number) => void): ByteStream {
  for await (const piece of stream) {
    count(piece.length);
    yield piece;
  }
}
