/** A local file as a source that can be read at any place. */

import { open } from 'node:fs/promises';
import type { PreviewSource } from '@millrace/runtimes/csv/preview';

export interface FileSource extends PreviewSource, AsyncDisposable {}

export async function fileSource(path: string): Promise<FileSource> {
  const file = await open(path, 'r');
  const status = await file.stat();
  if (!status.isFile()) {
    await file.close();
    throw new Error('not a regular file');
  }
  return {
    size: status.size,
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
