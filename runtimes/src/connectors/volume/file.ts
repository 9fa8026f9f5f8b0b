/**
 * A file on a mounted volume as a source of ranges that must not change.
 *
 * Identity is size, time of change and a hash of head and tail, because inodes are not stable on
 * network volumes. Every read checks size and time again on the file it read from, so that bytes of
 * another version never reach a table. Reads are bounded in time: a hung network file system is a
 * Transient failure, not a silent wait. The path may not lead out of the mount, also not by links.
 */
import { createHash } from 'node:crypto';
import { constants, open, realpath, type FileHandle } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { Permanent } from '@millrace/kit/permanent';
import { Transient } from '@millrace/kit/transient';
import { sourceChanged, translate } from './failures.ts';

export interface FileIdentity {
  readonly size: number;
  /** Nanoseconds since the epoch, as text because a double cannot hold them. */
  readonly modifiedNs: string;
  /** SHA-256 of the first and last 64 KiB. */
  readonly digest: string;
}

export interface VolumePath {
  readonly mountPath: string;
  /** As the user wrote it; also what messages call the file. */
  readonly path: string;
}

const endBytes = 65_536;
/**
 * A local disk answers in milliseconds, a network volume in a second. Less than a minute: a worker that
 * reads holds a transaction which may rest for so long.
 */
const readTimeoutMs = 50_000;

/** What the file is now. */
export async function identifyFile(at: VolumePath): Promise<FileIdentity> {
  return await withFile(at, async (file) => {
    const before = await stampOf(file, at);
    const head = await readFully(file, at, { offset: 0, length: Math.min(endBytes, before.size) });
    const tail = await readFully(file, at, {
      offset: Math.max(0, before.size - endBytes),
      length: Math.min(endBytes, before.size),
    });
    const after = await stampOf(file, at);
    if (!isSame(before, after)) {
      // Being written right now: identities taken at such a moment would mean nothing.
      throw new Transient('SourceBusy', `The file ${at.path} is being written; waiting.`, {
        backend: 'source',
      });
    }
    const digest = createHash('sha256').update(head).update(tail).digest('hex');
    return { size: after.size, modifiedNs: after.modifiedNs, digest };
  });
}

/** Throws SourceChanged unless the file is, by size and time, the one that was pinned. */
export async function checkFile(at: VolumePath, pinned: FileIdentity): Promise<void> {
  await withFile(at, async (file) => {
    if (!isSame(await stampOf(file, at), pinned)) throw sourceChanged(at.path);
  });
}

export interface Range {
  readonly offset: number;
  readonly length: number;
  /**
   * Memory to read into, if it is large enough. After a failure it is the file's: a read that was
   * given up may still write into it, so it must never be used again.
   */
  readonly into?: Buffer | undefined;
}

/** The bytes of a range of the pinned version, or SourceChanged. */
export async function readRange(
  at: VolumePath,
  pinned: FileIdentity,
  range: Range,
): Promise<Buffer> {
  return await withFile(at, async (file) => {
    const bytes = await readFully(file, at, range);
    if (!isSame(await stampOf(file, at), pinned)) throw sourceChanged(at.path);
    return bytes;
  });
}

/** Reads on from an offset in blocks, checking the version at each. */
export async function* readBlocks(
  at: VolumePath,
  pinned: FileIdentity,
  options: { readonly from: number; readonly blockBytes: number },
): AsyncGenerator<Buffer, void, undefined> {
  for (let offset = options.from; offset < pinned.size; offset += options.blockBytes) {
    const length = Math.min(options.blockBytes, pinned.size - offset);
    yield await readRange(at, pinned, { offset, length });
  }
}

type Stamp = Pick<FileIdentity, 'size' | 'modifiedNs'>;

function isSame(one: Stamp, other: Stamp): boolean {
  return one.size === other.size && one.modifiedNs === other.modifiedNs;
}

async function stampOf(file: FileHandle, at: VolumePath): Promise<Stamp> {
  const stat = await file.stat({ bigint: true });
  if (!stat.isFile()) {
    throw new Permanent('SourceNotAFile', `${at.path} of the volume is no regular file.`, {
      backend: 'source',
    });
  }
  return { size: Number(stat.size), modifiedNs: String(stat.mtimeNs) };
}

async function withFile<T>(at: VolumePath, work: (file: FileHandle) => Promise<T>): Promise<T> {
  const opening = openInside(at);
  try {
    return await inTime(opening.then(work), at);
  } catch (error) {
    throw translate(error, at.path);
  } finally {
    // An opening or a close that hangs must not hold up the caller.
    opening.then((file) => file.close()).catch(() => undefined);
  }
}

/** Without waiting for whoever would write into a pipe; what is no file is refused by its stamp. */
async function openInside(at: VolumePath): Promise<FileHandle> {
  return await open(await resolveInside(at), constants.O_RDONLY | constants.O_NONBLOCK);
}

async function resolveInside(at: VolumePath): Promise<string> {
  const root = await realpath(at.mountPath);
  const full = await realpath(join(root, at.path));
  if (!full.startsWith(root.endsWith(sep) ? root : root + sep)) {
    throw new Permanent(
      'SourceMissing',
      `The path ${at.path} leads out of the volume; name a file inside it.`,
      { backend: 'source' },
    );
  }
  return full;
}

async function readFully(file: FileHandle, at: VolumePath, range: Range): Promise<Buffer> {
  const { into } = range;
  const fits = into !== undefined && into.length >= range.length;
  const bytes = fits ? into.subarray(0, range.length) : Buffer.allocUnsafe(range.length);
  let filled = 0;
  while (filled < range.length) {
    const { bytesRead } = await file.read(bytes, {
      offset: filled,
      length: range.length - filled,
      position: range.offset + filled,
    });
    if (bytesRead === 0) throw sourceChanged(at.path);
    filled += bytesRead;
  }
  return bytes;
}

async function inTime<T>(work: Promise<T>, at: VolumePath): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(
        new Transient('SourceUnreachable', `Reading ${at.path}: the volume does not answer.`, {
          backend: 'source',
        }),
      );
    }, readTimeoutMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
