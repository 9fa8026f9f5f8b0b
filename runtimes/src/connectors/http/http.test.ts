import { systemClock } from '@millrace/kit/clock';
import { describe, expect, it } from 'vitest';
import { webServer } from '../../../test/web-server.ts';
import { httpPlace, type HttpPlace } from './client.ts';
import { contentRange } from './content-range.ts';
import { readBlocks, readRange } from './range-reader.ts';
import {
  checkContent,
  identifyContent,
  isSameContent,
  openStream,
  type RangedContent,
  type StreamedContent,
} from './resource.ts';
import { retryAfterMs } from './retry-after.ts';

const clock = systemClock;
/** Short, so that a silent server is a quick test; a loaded host still answers in time. */
const patience = { connectMs: 5_000, answerMs: 5_000, silenceMs: 1_000 };
const digits = '0123456789'.repeat(20_000);

const changed = { family: 'Permanent', code: 'SourceChanged' };

function placeOf(server: { readonly url: string }): HttpPlace {
  return httpPlace({ url: server.url, patience });
}

async function ranged(place: HttpPlace): Promise<RangedContent> {
  const content = await identifyContent(place);
  if (content.kind !== 'http') throw new Error('expected a content with ranges');
  return content;
}

async function streamed(place: HttpPlace): Promise<StreamedContent> {
  const content = await identifyContent(place);
  if (content.kind !== 'http-stream') throw new Error('expected a stream');
  return content;
}

async function textOf(blocks: AsyncIterable<Buffer>): Promise<string> {
  const all: Buffer[] = [];
  for await (const block of blocks) all.push(block);
  return Buffer.concat(all).toString();
}

describe('a content with ranges and a strong ETag', () => {
  it('is read in ranges and blocks of the version that was pinned', async () => {
    await using server = await webServer(digits);
    const place = placeOf(server);
    const pinned = await ranged(place);

    const range = await readRange(place, pinned, { range: { offset: 13, length: 4 }, clock });
    const blocks = readBlocks(place, pinned, { from: 199_990, blockBytes: 7, clock });

    expect(pinned).toEqual({ kind: 'http', size: 200_000, etag: '"v1"' });
    expect(range.toString()).toBe('3456');
    expect(await textOf(blocks)).toBe('0123456789');
    expect(server.seen.at(-1)).toMatchObject({ range: 'bytes=199997-199999', ifRange: '"v1"' });
  });

  it('gives no byte of another version', async () => {
    await using server = await webServer(digits);
    const place = placeOf(server);
    const pinned = await ranged(place);

    await checkContent(place, pinned);
    server.set({ etag: '"v2"' });

    const range = { offset: 0, length: 4 };
    await expect(readRange(place, pinned, { range, clock })).rejects.toMatchObject(changed);
    await expect(checkContent(place, pinned)).rejects.toMatchObject(changed);
    server.set({ content: Buffer.from('short'), etag: '"v1"' });
    const beyond = { offset: 100, length: 4 };
    await expect(readRange(place, pinned, { range: beyond, clock })).rejects.toMatchObject(changed);
  });

  it('is resumed where a connection was cut, also again and again', async () => {
    await using server = await webServer(digits);
    const place = placeOf(server);
    const pinned = await ranged(place);
    server.set({ cutAfter: [50_000, 1, 70_000] });

    const into = Buffer.alloc(200_000);
    const range = { offset: 0, length: 200_000, into };
    const bytes = await readRange(place, pinned, { range, clock });

    expect(bytes.toString()).toBe(digits);
    expect(bytes.buffer).toBe(into.buffer);
    expect(server.seen.at(-1)?.range).toMatch(/^bytes=1\d{5}-199999$/);
  });

  it('is given up after cuts that bring nothing, and after silence', async () => {
    await using server = await webServer(digits);
    const place = placeOf(server);
    const pinned = await ranged(place);
    const range = { offset: 0, length: 200_000 };

    server.set({ cutAfter: [0, 0, 0, 0] });
    await expect(readRange(place, pinned, { range, clock })).rejects.toMatchObject({
      family: 'Transient',
      code: 'SourceCut',
    });
    server.set({ cutAfter: [], hangAfter: [0] });
    await expect(readRange(place, pinned, { range, clock })).rejects.toMatchObject({
      family: 'Transient',
      code: 'SourceSilent',
    });
  });

  it('is never taken from another place than was asked for', async () => {
    await using server = await webServer(digits);
    const place = placeOf(server);
    const pinned = await ranged(place);
    const range = { offset: 5, length: 10 };

    server.set({ lieAboutRange: true });
    await expect(readRange(place, pinned, { range, clock })).rejects.toMatchObject({
      code: 'SourceMalformed',
    });
    // A server that gives all of the same version, for example another one behind a balancer.
    server.set({ lieAboutRange: false, ranges: false });

    expect((await readRange(place, pinned, { range, clock })).toString()).toBe('5678901234');
  });
});

describe('a content of which all is given in place of a range', () => {
  it('is given up in time, though nothing of the range has come yet', async () => {
    await using server = await webServer(digits);
    const place = placeOf(server);
    const pinned = await ranged(place);
    server.set({ ranges: false });
    let nowMs = 0;
    const hurried = { ...systemClock, monotonic: () => (nowMs += 60_000) };
    const range = { offset: 199_990, length: 10 };

    await expect(readRange(place, pinned, { range, clock: hurried })).rejects.toMatchObject({
      family: 'Transient',
      code: 'SourceSlow',
    });
  });
});

describe('a content without ranges or without a strong ETag', () => {
  it('is a stream, with the reason and what the server says of it', async () => {
    await using server = await webServer(digits);
    const place = placeOf(server);

    server.set({ etag: 'W/"v1"' });
    const weak = await streamed(place);
    server.set({ etag: undefined, lastModified: 'Sat, 21 Nov 2026 10:00:00 GMT' });
    const dated = await streamed(place);
    server.set({ ranges: false, length: 'Chunked', lastModified: undefined });
    const bare = await streamed(place);
    server.set({ content: Buffer.alloc(0), ranges: true, length: 'True' });
    const empty = await streamed(place);

    const why = 'NoStrongETag';
    expect(weak).toEqual({ kind: 'http-stream', why, size: 200_000, etag: 'W/"v1"' });
    expect(dated).toMatchObject({ why, lastModified: 'Sat, 21 Nov 2026 10:00:00 GMT' });
    expect(bare).toEqual({ kind: 'http-stream', why: 'NoRanges' });
    expect(empty).toMatchObject({ why: 'NoRanges', size: 0 });
  });

  it.each(['True', 'Chunked', 'UntilClosed'] as const)(
    'is read from its start when its length is said so: %s',
    async (length) => {
      await using server = await webServer(digits);
      server.set({ ranges: false, etag: undefined, length });
      const place = placeOf(server);

      expect(await textOf(openStream(place, await streamed(place)))).toBe(digits);
    },
  );

  it('that ends early, hangs or lies about its length is an interruption, not an end', async () => {
    await using server = await webServer(digits);
    server.set({ ranges: false });
    const place = placeOf(server);
    const pinned = await streamed(place);
    const code = async (): Promise<unknown> =>
      await textOf(openStream(place, pinned)).catch((error: unknown) => error);

    server.set({ cutAfter: [100] });
    const cut = await code();
    server.set({ length: 'Chunked', cutAfter: [100] });
    const cutChunked = await code();
    server.set({ length: 'True', hangAfter: [100] });
    const hung = await code();
    const { size: _size, ...unsized } = pinned;
    server.set({ length: 200_010, cutAfter: [200_000] });
    const tooLong = await textOf(openStream(place, unsized)).catch((error: unknown) => error);

    expect(cut).toMatchObject({ family: 'Transient', code: 'SourceCut' });
    expect(cutChunked).toMatchObject({ family: 'Transient', code: 'SourceCut' });
    expect(hung).toMatchObject({ family: 'Transient', code: 'SourceSilent' });
    expect(tooLong).toMatchObject({ family: 'Transient', code: 'SourceCut' });
  });

  it('is another one when its length, tag or date differs', async () => {
    await using server = await webServer(digits);
    server.set({ ranges: false, lastModified: 'Sat, 21 Nov 2026 10:00:00 GMT' });
    const place = placeOf(server);
    const pinned = await streamed(place);
    const reading = async (): Promise<string> => await textOf(openStream(place, pinned));

    expect(await reading()).toBe(digits);
    server.set({ etag: '"v2"' });
    await expect(reading()).rejects.toMatchObject(changed);
    server.set({ etag: '"v1"', lastModified: 'Sat, 21 Nov 2026 10:00:01 GMT' });
    await expect(reading()).rejects.toMatchObject(changed);
    server.set({ lastModified: undefined, content: Buffer.from(`${digits}x`) });
    await expect(reading()).rejects.toMatchObject(changed);
  });

  it('is none other because its server has learnt to give ranges', async () => {
    await using server = await webServer(digits);
    server.set({ ranges: false });
    const place = placeOf(server);
    const pinned = await streamed(place);
    server.set({ ranges: true });

    expect(isSameContent(pinned, await ranged(place))).toBe(true);
    server.set({ etag: '"v2"' });
    expect(isSameContent(pinned, await ranged(place))).toBe(false);
  });
});

describe('answers without content', () => {
  it.each([
    [401, 'Permanent', 'SourceUnreadable'],
    [403, 'Permanent', 'SourceUnreadable'],
    [404, 'Permanent', 'SourceMissing'],
    [410, 'Permanent', 'SourceMissing'],
    [429, 'Transient', 'SourceBusy'],
    [500, 'Transient', 'SourceBusy'],
    [503, 'Transient', 'SourceBusy'],
    [400, 'Permanent', 'SourceUnreadable'],
    [204, 'Permanent', 'SourceUnreadable'],
  ])('mean what their status says: %i', async (status, family, code) => {
    await using server = await webServer('x');
    server.set({ statuses: [status], retryAfter: '7' });
    const retryAfter = family === 'Transient' ? { retryAfterMs: 7_000 } : {};

    await expect(identifyContent(placeOf(server))).rejects.toMatchObject({
      family,
      code,
      ...retryAfter,
    });
  });

  it('that redirect are followed a few times, but not in circles or to other schemes', async () => {
    await using server = await webServer(digits);
    await using first = await webServer('');
    first.set({ location: server.url });
    const refused = { family: 'Permanent', code: 'SourceUnreadable' };

    expect(await ranged(placeOf(first))).toMatchObject({ size: 200_000 });
    for (const location of [
      '/again',
      'ftp://127.0.0.1/x',
      'http://me:word@127.0.0.1/x',
      'http://[',
    ]) {
      first.set({ location });
      await expect(identifyContent(placeOf(first))).rejects.toMatchObject(refused);
    }
    expect(first.seen.filter(({ path }) => path === '/again')).toHaveLength(5);
  });

  it('that are no HTTP are waited for, with that as the reason', async () => {
    await using server = await webServer('x');
    server.set({ otherProtocol: true });

    await expect(identifyContent(placeOf(server))).rejects.toMatchObject({
      family: 'Transient',
      code: 'SourceMalformed',
    });
  });

  it('of nobody say so, and messages hold neither query nor credentials', async () => {
    const server = await webServer('x');
    await server[Symbol.asyncDispose]();
    const url = `${server.url}?token=secret`;

    await expect(identifyContent(httpPlace({ url, patience }))).rejects.toMatchObject({
      code: 'SourceUnreachable',
      message: expect.not.stringContaining('secret') as string,
    });
    const withCredentials = url.replace('//', '//me:secret@');
    expect(() => httpPlace({ url: withCredentials })).toThrow(
      expect.objectContaining({
        message: expect.not.stringContaining('secret') as string,
      }) as Error,
    );
  });
});

describe('headers', () => {
  it('with a range are taken only if they make sense', () => {
    expect(contentRange('bytes 0-4/10')).toEqual({ start: 0, end: 4, total: 10 });
    expect(contentRange('bytes 0-4/*')).toEqual({ start: 0, end: 4, total: undefined });
    for (const text of [
      'bytes 5-4/10',
      'bytes 0-10/10',
      'lines 0-1/2',
      'bytes */10',
      '',
      undefined,
    ]) {
      expect(contentRange(text)).toBeUndefined();
    }
  });

  it('that ask to wait are seconds or a date, and at most five minutes', () => {
    const now = Date.parse('2026-11-21T10:00:00Z');

    expect(retryAfterMs('3', now)).toBe(3_000);
    expect(retryAfterMs('Sat, 21 Nov 2026 10:00:05 GMT', now)).toBe(5_000);
    expect(retryAfterMs('Sat, 21 Nov 2026 09:00:00 GMT', now)).toBe(0);
    expect(retryAfterMs('86400', now)).toBe(300_000);
    expect(retryAfterMs('soon', now)).toBeUndefined();
  });
});
