import { Agent } from 'node:https';
import { getCACertificates } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { s3Connections } from './client.ts';

/** The handler on Node, after its first request. */
interface Configured {
  httpHandlerConfigs(): { readonly httpsAgent?: unknown };
}

/** What certificates a client trusts; undefined: the usual ones. */
async function trusted(caBundle?: string): Promise<unknown> {
  const connect = s3Connections(() => ({
    // Nobody listens there.
    endpoint: 'https://127.0.0.1:1',
    region: 'us-east-1',
    accessKeyId: 'key',
    secretAccessKey: 'secret',
    caBundle,
  }));
  const { sdk, client } = await connect();
  const head = client.send(new sdk.HeadObjectCommand({ Bucket: 'b', Key: 'k' }));
  await expect(head).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  const handler = client.config.requestHandler as unknown as Configured;
  const { httpsAgent } = handler.httpHandlerConfigs();
  client.destroy();
  if (!(httpsAgent instanceof Agent)) throw new Error('expected an agent of our own');
  return httpsAgent.options.ca;
}

describe('a client of a store', () => {
  it('trusts the certificates of the bundle beside the usual ones', async () => {
    expect(getCACertificates('default').length).toBeGreaterThan(1);
    expect(await trusted('own')).toEqual([...getCACertificates('default'), 'own']);
    expect(await trusted()).toBeUndefined();
  });
});
