/** A local file as a source that can be read at any place. */

import { open, stat } from 'node:fs/promises';
import type { PreviewSource } from '@millrace/runtimes/csv/preview';

export interface FileSource extends PreviewSource, AsyncDisposable {}

export async function fileSource(path: string): Promise<FileSource> {
  // Before opening: a named pipe would not open until somebody writes to it.
  const kind = await stat(path);
  if (kind.isDirectory()) throw new Error('is a folder; name the files in it');
  if (!kind.isFile()) throw new Error('not a regular file; save it to one, since it is read twice');
  const file = await open(path, 'r');
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
