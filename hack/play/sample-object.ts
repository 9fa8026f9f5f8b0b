/**
 * Buckets for the manifests of a run in a store that play started itself, and the sample as the
 * object that the example names. A store given by URL is somebody else's: nothing is put there.
 */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { s3Connections, type S3Connection } from '@millrace/runtimes/connectors/s3/client';
import type { RunningBackend } from '../backends/backend.ts';
import { mapOf, specOf, textOf } from './kinds/play-kind.ts';
import type { Manifest } from './manifests.ts';
import { ensureSample, sampleRows } from './sample.ts';

/** What crds/examples/csv-import-s3.yaml reads. */
const sampleObject = { bucket: 'drops', key: 'users.csv' };

export interface SampleObjectOptions {
  readonly manifests: readonly Manifest[];
  readonly store: RunningBackend | undefined;
  /** Where the sample is on this host, or is to be written. */
  readonly file: string;
  readonly log: (line: string) => void;
  readonly signal: AbortSignal;
}

export async function ensureObjects(options: SampleObjectOptions): Promise<void> {
  const { manifests, store, log } = options;
  const access = store?.extra.s3;
  if (store?.ours !== true || access === undefined) return;
  const sources = manifests
    .filter(({ isResource }) => isResource)
    .map(({ object }) => mapOf(mapOf(specOf(object)['source'])['s3']))
    .map((source) => ({ bucket: textOf(source['bucket']), key: textOf(source['key']) }))
    .filter(({ bucket }) => bucket !== '');
  const connection = await s3Connections(() => ({ endpoint: store.url, ...access }))();
  try {
    for (const bucket of new Set(sources.map((source) => source.bucket))) {
      if (await makeBucket(connection, bucket)) log(`s3: made the bucket ${bucket}`);
    }
    const isAsked = sources.some(
      ({ bucket, key }) => bucket === sampleObject.bucket && key === sampleObject.key,
    );
    if (isAsked) await putSample(connection, options);
  } finally {
    connection.client.destroy();
  }
}

/** Whether it was not there yet. */
async function makeBucket({ sdk, client }: S3Connection, bucket: string): Promise<boolean> {
  try {
    await client.send(new sdk.CreateBucketCommand({ Bucket: bucket }));
    return true;
  } catch (error) {
    if (error instanceof Error && /^Bucket(AlreadyOwnedByYou|AlreadyExists)$/.test(error.name)) {
      return false;
    }
    throw error;
  }
}

async function putSample(
  { sdk, client }: S3Connection,
  { file, log, signal }: SampleObjectOptions,
): Promise<void> {
  const at = { Bucket: sampleObject.bucket, Key: sampleObject.key };
  const isThere = await client.send(new sdk.HeadObjectCommand(at)).then(
    () => true,
    () => false,
  );
  if (isThere) return;
  await ensureSample(file, { rows: sampleRows, log, signal });
  const { size } = await stat(file);
  const body = createReadStream(file);
  await client.send(new sdk.PutObjectCommand({ ...at, Body: body, ContentLength: size }));
  log(`s3: put the sample as s3://${at.Bucket}/${at.Key}`);
}
