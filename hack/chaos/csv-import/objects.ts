/** The file of the rounds as objects of the store: as it is, and compressed. */
import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { s3Connections } from '@millrace/runtimes/connectors/s3/client';
import type { RunningBackend } from '../../backends/backend.ts';

export const bucket = 'chaos';

export function compressedKey(name: string): string {
  return `${name}.gz`;
}

/** The file `name` of the folder, under both of its keys. */
export async function putObjects(
  store: RunningBackend,
  folder: string,
  name: string,
): Promise<void> {
  const access = store.extra.s3;
  if (access === undefined) throw new Error('the store does not tell its keys');
  const compressed = join(folder, compressedKey(name));
  await pipeline(createReadStream(join(folder, name)), createGzip(), createWriteStream(compressed));
  const { sdk, client } = await s3Connections(() => ({ endpoint: store.url, ...access }))();
  try {
    await client.send(new sdk.CreateBucketCommand({ Bucket: bucket }));
    for (const key of [name, compressedKey(name)]) {
      const path = join(folder, key);
      const { size } = await stat(path);
      const at = { Bucket: bucket, Key: key };
      const body = createReadStream(path);
      await client.send(new sdk.PutObjectCommand({ ...at, Body: body, ContentLength: size }));
    }
  } finally {
    client.destroy();
  }
}
