/**
 * Answers to what never became a request: broken HTTP, oversized headers, a request that took too
 * long. The framework has no reply object for these, so the envelope is written to the socket and
 * the connection closed.
 */
import { randomUUID } from 'node:crypto';
import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { errorBody, frameworkErrors } from './envelope.ts';

const statusByCode: Readonly<Record<string, number>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_HEADER_OVERFLOW: 431,
};

/** Returns the status that was answered, undefined where nobody is left to read an answer. */
export function answerProtocolError(error: Error, socket: Duplex): number | undefined {
  const code: unknown = Reflect.get(error, 'code');
  // An answer already under way on this connection must not be cut into by another.
  if (code === 'ECONNRESET' || !socket.writable || Reflect.get(socket, '_httpMessage')) {
    socket.destroy();
    return undefined;
  }
  const status = statusByCode[String(code)] ?? 400;
  const body = protocolErrorBody(status);
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Error'}\r\n` +
      'content-type: application/json; charset=utf-8\r\n' +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
  // The rest of what the client sends is not read; without this a flood keeps the socket open.
  socket.once('finish', () => socket.destroy());
  return status;
}

/** Node would answer an unknown `Expect` with an empty 417. */
export function answerExpectation(_request: IncomingMessage, response: ServerResponse): void {
  const body = protocolErrorBody(417);
  response.writeHead(417, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  });
  response.end(body);
}

function protocolErrorBody(status: number): string {
  const { code, message } = frameworkErrors.get(status) ?? {
    code: 'BadRequest',
    message: 'The request is malformed.',
  };
  return errorBody(code, message, randomUUID());
}
