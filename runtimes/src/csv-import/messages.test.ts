import { describe, expect, it } from 'vitest';
import { decodeChunkMessage, encodeChunkMessage } from './messages.ts';

const message = {
  v: 1,
  import: '11111111-2222-4333-8444-555555555555',
  chunk: 7,
  offset: 2 ** 42,
  length: 16_777_216,
} as const;
const json = 'application/json';

describe('a chunk message', () => {
  it('survives the way to the worker', () => {
    const decoded = decodeChunkMessage(encodeChunkMessage(message), json);

    expect(decoded).toEqual({ ok: true, message });
  });

  it.each([
    ['another content type', encodeChunkMessage(message), 'text/csv', 'ContentType'],
    ['no content type', encodeChunkMessage(message), undefined, 'ContentType'],
    ['no JSON', Buffer.from('{'), json, 'NotJson'],
    ['another version', Buffer.from(JSON.stringify({ ...message, v: 2 })), json, 'Version'],
    ['a field more', Buffer.from(JSON.stringify({ ...message, rows: [] })), json, 'Schema'],
    ['a field less', Buffer.from(JSON.stringify({ v: 1 })), json, 'Schema'],
    ['a fraction', Buffer.from(JSON.stringify({ ...message, chunk: 0.5 })), json, 'Schema'],
    ['null', Buffer.from('null'), json, 'Schema'],
    ['a megabyte', Buffer.alloc(1 << 20, '1'), json, 'Schema'],
  ])('is refused with %s', (_what, body, contentType, reason) => {
    expect(decodeChunkMessage(body, contentType)).toEqual({ ok: false, reason });
  });
});
