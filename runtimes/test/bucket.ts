/** A bucket of its own on the real store, emptied and removed when the test is done. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  DeleteBucketCommand,
  DeleteObjectCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
} from '@aws-sdk/client-s3';
import { s3Connections, type S3Settings } from '../src/connectors/s3/client.ts';
import { given, privateName } from './backends.ts';

export interface Bucket extends AsyncDisposable {
  readonly name: string;
  readonly settings: S3Settings;
  put(key: string, content: string | Buffer): Promise<void>;
  remove(key: string): Promise<void>;
  /** From now on. */
  keepVersions(): Promise<void>;
  /** A mounted Secret with the keys of the store, and others in their place. */
  secret(changes?: Readonly<Record<string, string>>): Promise<string>;
}

export async function bucket(): Promise<Bucket> {
  const settings: S3Settings = given('s3');
  const name = privateName('bucket').replaceAll('_', '-');
  const { sdk, client } = await s3Connections(() => settings)();
  const folder = await mkdtemp(join(tmpdir(), 'millrace-secret-'));
  await client.send(new sdk.CreateBucketCommand({ Bucket: name }));
  return {
    name,
    settings,
    put: async (key, content) => {
      await client.send(new sdk.PutObjectCommand({ Bucket: name, Key: key, Body: content }));
    },
    remove: async (key) => {
      await client.send(new DeleteObjectCommand({ Bucket: name, Key: key }));
    },
    keepVersions: async () => {
      const VersioningConfiguration = { Status: 'Enabled' } as const;
      const input = { Bucket: name, VersioningConfiguration };
      await client.send(new PutBucketVersioningCommand(input));
    },
    secret: async (changes = {}) => {
      const keys = {
        S3_ENDPOINT: settings.endpoint,
        S3_REGION: settings.region,
        S3_ACCESS_KEY_ID: settings.accessKeyId,
        S3_SECRET_ACCESS_KEY: settings.secretAccessKey,
        ...changes,
      };
      for (const [key, value] of Object.entries(keys)) await writeFile(join(folder, key), value);
      return folder;
    },
    [Symbol.asyncDispose]: async () => {
      const { Versions = [], DeleteMarkers = [] } = await client.send(
        new ListObjectVersionsCommand({ Bucket: name }),
      );
      for (const { Key, VersionId } of [...Versions, ...DeleteMarkers]) {
        await client.send(new DeleteObjectCommand({ Bucket: name, Key, VersionId }));
      }
      await client.send(new DeleteBucketCommand({ Bucket: name }));
      client.destroy();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
