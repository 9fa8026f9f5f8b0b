import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { systemClock } from '@millrace/kit/clock';
import { lacks } from '../../../test/backends.ts';
import { bucket, type Bucket } from '../../../test/bucket.ts';
import { faultProxy } from '../../../test/fault-proxy.ts';
import { s3Connections, type S3Settings } from './client.ts';
import {
  checkObject,
  identifyObject,
  readObjectBlocks,
  readObjectRange,
  type S3Place,
} from './object.ts';

function place(at: Bucket, key: string, changes: Partial<S3Settings> = {}): S3Place {
  const connect = s3Connections(() => ({ ...at.settings, ...changes }));
  return { bucket: at.name, key, connect, clock: systemClock };
}

/** Family and code of what is thrown. */
async function failure(work: Promise<unknown>): Promise<unknown> {
  return await work.then(
    () => 'nothing was thrown',
    ({ family, code }: { family: string; code: string }) => `${family} ${code}`,
  );
}

const changed = 'Permanent SourceChanged';

describe.skipIf(lacks('s3'))('an object of a real store', () => {
  it('is read in ranges and in blocks, whatever its key', async () => {
    await using at = await bucket();
    const key = 'a folder/ü+x=%41.csv';
    await at.put(key, '0123456789');
    const object = place(at, key);
    const pinned = await identifyObject(object);

    const range = await readObjectRange(object, pinned, { offset: 3, length: 4 });
    const into = Buffer.alloc(6, '.');
    await readObjectRange(object, pinned, { offset: 7, length: 3, into });
    const nothing = await readObjectRange(object, pinned, { offset: 4, length: 0 });
    const blocks: string[] = [];
    for await (const block of readObjectBlocks(object, pinned, { from: 1, blockBytes: 4 })) {
      blocks.push(block.toString());
    }

    expect(pinned.size).toBe(10);
    expect(range.toString()).toBe('3456');
    expect(into.toString()).toBe('789...');
    expect(nothing).toHaveLength(0);
    expect(blocks).toEqual(['1234', '5678', '9']);
  });

  it('gives no byte of other content of the same size', async () => {
    await using at = await bucket();
    await at.put('data.csv', 'id\n1\n');
    const object = place(at, 'data.csv');
    const pinned = await identifyObject(object);
    await checkObject(object, pinned);

    await at.put('data.csv', 'id\n2\n');

    expect(await failure(readObjectRange(object, pinned, { offset: 3, length: 1 }))).toBe(changed);
    expect(await failure(checkObject(object, pinned))).toBe(changed);
    await at.remove('data.csv');
    expect(await failure(readObjectRange(object, pinned, { offset: 0, length: 1 }))).toBe(
      'Permanent SourceMissing',
    );
  });

  it('stays readable in its version where the bucket keeps versions', async () => {
    await using at = await bucket();
    await at.keepVersions();
    await at.put('data.csv', 'first');
    const object = place(at, 'data.csv');
    const first = await identifyObject(object);
    await at.put('data.csv', 'later');
    const later = await identifyObject(object);
    await at.remove('data.csv');
    const versionId = later.versionId ?? '';

    await checkObject(object, first);
    const read = async (pinned: typeof first): Promise<string> =>
      String(await readObjectRange(object, pinned, { offset: 0, length: 5 }));

    expect([await read(first), await read(later)]).toEqual(['first', 'later']);
    expect(await identifyObject({ ...object, versionId })).toEqual(later);
    expect(await failure(identifyObject(object))).toBe('Permanent SourceMissing');
  });

  it('is missed, refused or waited for in words that say what to do', async () => {
    await using at = await bucket();
    await at.put('data.csv', 'x');
    const tell = async (object: S3Place): Promise<unknown> =>
      await identifyObject(object).catch(
        ({ family, message }: { family: string; message: string }) => `${family} ${message}`,
      );
    const other = (changes: Partial<S3Settings>): S3Place => place(at, 'data.csv', changes);
    const label = `Reading s3://${at.name}/data.csv:`;

    expect(await tell(place(at, 'none'))).toMatch(/^Permanent .*\/none: there is no such object;/);
    expect(await tell({ ...other({}), bucket: 'no-such-bucket' })).toMatch(
      /^Permanent .*: there is no such bucket;/,
    );
    expect(await tell({ ...other({}), versionId: 'none' })).toMatch(/^Permanent /);
    expect(await tell(other({ secretAccessKey: 'wrong' }))).toBe(
      `Transient ${label} the store refuses the signature; correct S3_SECRET_ACCESS_KEY.`,
    );
    expect(await tell(other({ accessKeyId: 'stranger' }))).toBe(
      `Transient ${label} the store does not know S3_ACCESS_KEY_ID; correct it.`,
    );
    expect(await tell(other({ region: 'eu-other-1' }))).toBe(
      `Transient ${label} the store is of another region; correct S3_REGION.`,
    );
    expect(await tell(other({ endpoint: 'http://127.0.0.1:1' }))).toBe(
      `Transient ${label} nothing accepts connections at S3_ENDPOINT.`,
    );
    expect(
      await tell(other({ endpoint: at.settings.endpoint.replace('http:', 'https:') })),
    ).toMatch(/^Transient .*: no TLS connection could be made .* speaks TLS at this address/);
    for (const endpoint of ['store:9000', '127.0.0.1', 'ftp://store']) {
      expect(await tell(other({ endpoint }))).toMatch(/^Transient .*S3_ENDPOINT is no http/);
    }
  });

  it('is read on with new keys once the Secret has them', async () => {
    await using at = await bucket();
    await at.put('data.csv', 'x');
    let settings = { ...at.settings, secretAccessKey: 'old' };
    const object = { ...place(at, 'data.csv'), connect: s3Connections(() => settings) };

    const before = await failure(identifyObject(object));
    settings = { ...at.settings };

    expect(before).toBe('Transient SourceRefused');
    expect(await identifyObject(object)).toMatchObject({ size: 1 });
  });

  it('is read on where a cut connection ended, and given up when the store falls silent', async () => {
    await using at = await bucket();
    const content = Buffer.alloc(4 * 1_048_576, 'abcdefg');
    await at.put('data.csv', content);
    await using proxy = await faultProxy(at.settings.endpoint);
    const endpoint = proxy.url.replace(/\/$/, '');
    const connect = s3Connections(() => ({ ...at.settings, endpoint }));
    const pinned = await identifyObject(place(at, 'data.csv'));
    let cuts = 0;
    const clock = {
      ...systemClock,
      // The wait before reading on.
      sleep: async () => {
        cuts += 1;
        proxy.set('passing');
        await Promise.resolve();
      },
    };
    const object = { ...place(at, 'data.csv'), connect, clock };

    const reading = readObjectRange(object, pinned, { offset: 0, length: content.length });
    setImmediate(() => proxy.set('stopped'));
    const whole = await reading;
    proxy.set('frozen');
    const silent = await failure(checkObject({ ...object, idleMs: 50 }, pinned));

    expect(whole.equals(content)).toBe(true);
    expect(cuts).toBeGreaterThan(0);
    expect(silent).toBe('Transient SourceSilent');
  });
});

interface Liar extends AsyncDisposable {
  readonly object: S3Place;
  /** That are open. */
  connections(): Promise<number>;
}

/** A store that answers as it likes. */
async function liar(answer: RequestListener): Promise<Liar> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const keys = { region: 'here', accessKeyId: 'me', secretAccessKey: 'secret' };
  const connect = s3Connections(() => ({ endpoint, ...keys }));
  const clock = { ...systemClock, sleep: () => Promise.resolve() };
  return {
    object: { bucket: 'bucket', key: 'data.csv', connect, clock },
    connections: async () =>
      await new Promise((resolve) => server.getConnections((_error, count) => resolve(count))),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe('a store that does not do as it is asked', () => {
  const pinned = { size: 10, etag: '"a"' };
  const range = { offset: 2, length: 3 };

  it.each([
    ['sends the whole object', 200, { etag: '"a"' }, 'Permanent SourceUnreadable'],
    ['has another ETag', 206, { etag: '"b"', 'content-range': 'bytes 2-4/10' }, changed],
    ['has another size', 206, { etag: '"a"', 'content-range': 'bytes 2-4/11' }, changed],
    [
      'sends another range',
      206,
      { etag: '"a"', 'content-range': 'bytes 3-5/10' },
      'Permanent SourceUnreadable',
    ],
    ['knows another version only', 412, {}, changed],
    ['is shorter now', 416, {}, changed],
    ['is overloaded', 503, {}, 'Transient SourceBusy'],
    ['denies access', 403, {}, 'Transient SourceRefused'],
  ])('is not believed when it %s', async (_what, status, headers, told) => {
    await using store = await liar((_request, response) => {
      response.writeHead(status, headers).end('234');
    });

    expect(await failure(readObjectRange(store.object, pinned, range))).toBe(told);
  });

  it('that speaks another protocol is waited for', async () => {
    await using store = await liar((request) => request.socket.end('SSH-2.0-whatever\r\n'));

    expect(await failure(identifyObject(store.object))).toBe('Transient SourceMalformed');
  });

  it('that ends each answer early is given up after a few', async () => {
    let asked = 0;
    await using store = await liar((_request, response) => {
      asked += 1;
      const headers = { etag: '"a"', 'content-range': 'bytes 2-4/10', 'content-length': 3 };
      response.writeHead(206, headers);
      response.flushHeaders();
      response.socket?.end();
    });

    expect(await failure(readObjectRange(store.object, pinned, range))).toBe('Transient SourceCut');
    expect(asked).toBe(3);
  });

  it('that falls silent in an answer keeps no connection', async () => {
    await using store = await liar((_request, response) => {
      response.writeHead(206, { etag: '"a"', 'content-range': 'bytes 2-4/10' });
      response.flushHeaders();
    });

    const silent = failure(readObjectRange({ ...store.object, idleMs: 50 }, pinned, range));

    expect(await silent).toBe('Transient SourceSilent');
    await expect.poll(() => store.connections()).toBe(0);
  });
});
