/**
 * A source that is not a file of this host, for a preview: `s3://bucket/key`, or an address of the
 * web. It is read as an import reads it, in the version that it has at the start.
 */
import { systemClock } from '@millrace/kit/clock';
import { Failure } from '@millrace/kit/failure';
import { openSource } from '@millrace/runtimes/csv-import/source/open-source';
import { asFile, type FileSource } from './file-source.ts';
import { storeKeysGiven } from './store-keys.ts';

export function isAddress(text: string): boolean {
  return /^(s3|https?):\/\//i.test(text);
}

export async function addressSource(address: string): Promise<FileSource> {
  const source = openSource(placeOf(address), { urls: storeKeysGiven(), clock: systemClock });
  try {
    return await asFile(source);
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== 'SecretIncomplete') throw error;
    const message =
      'set MILLRACE_S3_ENDPOINT, MILLRACE_S3_REGION, MILLRACE_S3_ACCESS_KEY_ID and MILLRACE_S3_SECRET_ACCESS_KEY';
    throw new Error(message, { cause: error });
  }
}

function placeOf(address: string): Parameters<typeof openSource>[0] {
  if (!/^s3:/i.test(address)) return { http: { url: address } };
  // Not as a URL: a key is taken as it is, with its spaces and percent signs.
  const [, bucket, key] = /^s3:\/\/([^/]+)\/(.+)$/is.exec(address) ?? [];
  if (bucket === undefined || key === undefined) throw new Error('write it as s3://bucket/key');
  return { s3: { bucket, key } };
}
