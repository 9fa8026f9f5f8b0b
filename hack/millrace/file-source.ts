/** A local file as a source that can be read at any place; one packed with gzip is unpacked on the way. */

import { open, stat, type FileHandle } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { systemClock } from '@millrace/kit/clock';
import { isGzip } from '@millrace/runtimes/csv-import/source/gzip';
import { openSource } from '@millrace/runtimes/csv-import/source/open-source';
import type { Source } from '@millrace/runtimes/csv-import/source/source';
import type { PreviewSource } from '@millrace/runtimes/csv/preview';
import { storeKeysGiven } from './store-keys.ts';

export interface FileSource extends PreviewSource, AsyncDisposable {}

export async function fileSource(path: string): Promise<FileSource> {
  // Before opening: a named pipe would not open until somebody writes to it.
  const kind = await stat(path);
  if (kind.isDirectory()) throw new Error('is a folder; name the files in it');
  if (!kind.isFile()) throw new Error('not a regular file; save it to one, since it is read twice');
  const file = await open(path, 'r');
  if (await isPacked(file)) {
    await file.close();
    const volume = { mountPath: dirname(path), path: basename(path) };
    return await asFile(openSource({ volume }, { urls: storeKeysGiven(), clock: systemClock }));
  }
  return {
    size: (await file.stat()).size,
    async read(offset, length) {
      const bytes = Buffer.allocUnsafe(length);
      let filled = 0;
      while (filled < length) {
        const { bytesRead } = await file.read(bytes, filled, length - filled, offset + filled);
        if (bytesRead === 0) throw new Error('the file became shorter while it was read');
        filled += bytesRead;
      }
      return bytes;
    },
    [Symbol.asyncDispose]: () => file.close(),
  };
}

async function isPacked(file: FileHandle): Promise<boolean> {
  const head = Buffer.alloc(8);
  await file.read(head, 0, head.length, 0);
  return isGzip(head);
}

/** In the version that it has now. */
export async function asFile(source: Source): Promise<FileSource> {
  const pinned = await source.identify();
  return {
    size: await source.lengthOf(pinned),
    read: async (offset, length) => await source.readRange(pinned, { offset, length }),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
