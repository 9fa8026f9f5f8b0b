/**
 * Answers to what never became a request: broken HTTP, oversized headers, a request that took too
 * long. Node has no response object for these, so the envelope is written to the socket and the
 * connection closed.
 *
 * Answers stay in the order of the requests: what comes after good requests on one connection waits
 * until those are answered, and a body that breaks is answered as its own request.
 */
import { STATUS_CODES, ServerResponse, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { errorBody, frameworkErrors } from './envelope.ts';
import { badRequest } from './request-error.ts';
import { nextRequestId } from './request-id.ts';

const statusByCode: Readonly<Record<string, number>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_HEADER_OVERFLOW: 431,
};

/** Each piece that comes after broken bytes is reported again. */
const broken = new WeakSet<Duplex>();

/** `answered` is called with the status, unless nobody is left to read an answer. */
export function answerProtocolError(
  error: Error,
  socket: Duplex,
  answered: (status: number) => void,
): void {
  const code: unknown = Reflect.get(error, 'code');
  if (broken.has(socket)) return;
  broken.add(socket);
  if (code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  inTurn(socket, code, () => {
    const status = statusByCode[String(code)] ?? 400;
    const body = protocolErrorBody(status);
    socket.end(
      `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Error'}\r\n` +
        'content-type: application/json; charset=utf-8\r\n' +
        `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
    );
    // The rest of what the client sends is not read; without this a flood keeps the socket open.
    socket.once('finish', () => socket.destroy());
    answered(status);
  });
}

/** Calls `write` when all that came before is answered, unless the error is of a request that began. */
function inTurn(socket: Duplex, code: unknown, write: () => void): void {
  const underWay = answerUnderWay(socket);
  if (underWay === undefined) {
    if (socket.writable) write();
  } else if (underWay.req.complete) {
    underWay.once('finish', () => inTurn(socket, code, write));
  } else if (code === 'HPE_INVALID_EOF_STATE') {
    // Its body ends too early: the client is gone.
    socket.destroy();
  } else {
    underWay.req.emit('error', badRequest('BadRequest', 'The request is malformed.'));
  }
}

function answerUnderWay(socket: Duplex): ServerResponse | undefined {
  const message: unknown = Reflect.get(socket, '_httpMessage');
  return message instanceof ServerResponse ? message : undefined;
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
  return errorBody(code, message, nextRequestId());
}
