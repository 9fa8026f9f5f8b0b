import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, vi } from 'vitest';
import { addressSource, isAddress } from './source-address.ts';

const content = 'id,name\n1,one\n2,two\n';

/** Serves the same bytes under every path. */
async function served(bytes: Buffer): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer((_request, response) => response.end(bytes));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/users.csv`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe('an address to preview', () => {
  it.each([
    ['as it is', Buffer.from(content)],
    ['compressed', gzipSync(content)],
  ])('is read from a web server, %s', async (_how, bytes) => {
    await using server = await served(bytes);

    await using source = await addressSource(server.url);

    expect(source.size).toBe(content.length);
    expect((await source.read(8, 5)).toString()).toBe('1,one');
    expect((await source.read(0, 2)).toString()).toBe('id');
  });

  it('is told from a file by how it begins', () => {
    expect(['s3://b/k', 'HTTP://x/y', 'https://x'].map(isAddress)).toEqual([true, true, true]);
    expect(['s3.csv', './http:/x', 'ftp://x'].map(isAddress)).toEqual([false, false, false]);
  });

  it('is refused with what is missing', async () => {
    vi.stubEnv('MILLRACE_S3_ENDPOINT', '');
    await expect(addressSource('s3://bucket')).rejects.toThrow('write it as s3://bucket/key');
    await expect(addressSource('s3://bucket/key')).rejects.toThrow(/^set MILLRACE_S3_ENDPOINT, /);
    vi.unstubAllEnvs();
  });
});
