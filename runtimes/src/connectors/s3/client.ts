/**
 * One S3 client over addresses and keys that may change while we run.
 *
 * Settings are read at each use; a client lives as long as they stay the same, so that a rotated
 * Secret needs no restart. The SDK (113 ms and 21 MB) is loaded when the first client is made: pods
 * of other sources never pay for it. It tries nothing again by itself and checks no checksums that
 * S3-compatible stores do not have; what is tried again, and how often, its callers say.
 */
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { getCACertificates } from 'node:tls';
import { Transient } from '@millrace/kit/transient';
import type * as Sdk from './sdk.ts';

export interface S3Settings {
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** PEM certificates that are trusted beside the usual ones. */
  readonly caBundle?: string | undefined;
}

export type S3Sdk = typeof Sdk;

export interface S3Connection {
  readonly sdk: S3Sdk;
  readonly client: Sdk.S3Client;
}

/** A process reads one range or two at a time. */
const socketsMax = 4;
const connectTimeoutMs = 5_000;

/** Settings are asked for at each call; they may throw what a reader of a condition understands. */
export function s3Connections(settings: () => S3Settings): () => Promise<S3Connection> {
  let current: { readonly key: string; readonly client: Sdk.S3Client } | undefined;
  return async () => {
    const asked = settings();
    requireEndpoint(asked.endpoint);
    const sdk = await import('./sdk.ts');
    const key = JSON.stringify(asked);
    if (current?.key !== key) {
      // Requests in flight on the old one end by themselves; its idle sockets go now.
      current?.client.destroy();
      current = { key, client: openClient(sdk, asked) };
    }
    return { sdk, client: current.client };
  };
}

function requireEndpoint(endpoint: string): void {
  const protocol = URL.parse(endpoint)?.protocol;
  if (protocol === 'http:' || protocol === 'https:') return;
  throw new Transient(
    'SourceRefused',
    'S3_ENDPOINT is no http:// or https:// URL; correct it in the Secret.',
    { backend: 'source' },
  );
}

function openClient(sdk: S3Sdk, settings: S3Settings): Sdk.S3Client {
  const { endpoint, region, accessKeyId, secretAccessKey, caBundle } = settings;
  const sockets = { keepAlive: true, maxSockets: socketsMax };
  return new sdk.S3Client({
    endpoint,
    region,
    credentials: { accessKeyId, secretAccessKey },
    forcePathStyle: true,
    maxAttempts: 1,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: connectTimeoutMs,
      httpAgent: new HttpAgent(sockets),
      httpsAgent: new HttpsAgent({
        ...sockets,
        ...(caBundle === undefined ? {} : { ca: [...getCACertificates('default'), caBundle] }),
      }),
    },
  });
}
