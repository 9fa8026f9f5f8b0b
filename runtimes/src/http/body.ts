/**
 * Reads the body of one request, bounded by what really arrives: `Content-Length` may lie and a
 * chunked body has none.
 *
 * The bytes are counted against the service's memory while they come. After a refusal nothing is
 * kept, but bytes go on being read and dropped: who closes a socket with unread bytes in it makes
 * the client's network drop the answer as well.
 */
import type { IncomingMessage } from 'node:http';
import { RequestError } from './request-error.ts';

export interface BodyOptions {
  readonly bytesMax: number;
  /** Told of each piece before it is kept; throws when there is no room for it. */
  readonly held: (bytes: number) => void;
}

export interface BodyReading {
  readonly bytes: Promise<Buffer>;
  /** Ends the reading with this error. */
  fail(error: unknown): void;
}

export const noBody = Buffer.alloc(0);

export function announcesBody({ headers }: IncomingMessage): boolean {
  return (
    headers['transfer-encoding'] !== undefined ||
    (headers['content-length'] !== undefined && headers['content-length'] !== '0')
  );
}

export function readBody(request: IncomingMessage, options: BodyOptions): BodyReading {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  if (Number(request.headers['content-length']) > options.bytesMax) {
    request.on('error', () => undefined);
    reject(bodyTooLarge(options.bytesMax));
    return { bytes: promise, fail: reject };
  }
  let pieces: Buffer[] | undefined = [];
  let length = 0;
  const fail = (error: unknown): void => {
    pieces = undefined;
    reject(error);
  };
  request.on('data', (piece: Buffer) => {
    if (pieces === undefined) return;
    length += piece.length;
    try {
      if (length > options.bytesMax) throw bodyTooLarge(options.bytesMax);
      options.held(piece.length);
      pieces.push(piece);
    } catch (error) {
      fail(error);
    }
  });
  request.on('end', () => {
    const [first = noBody] = pieces ?? [];
    resolve(pieces !== undefined && pieces.length > 1 ? Buffer.concat(pieces, length) : first);
  });
  request.on('error', fail);
  return { bytes: promise, fail };
}

function bodyTooLarge(bytesMax: number): RequestError {
  return new RequestError(`The body is larger than ${bytesMax} bytes.`, {
    status: 413,
    code: 'BodyTooLarge',
  });
}
