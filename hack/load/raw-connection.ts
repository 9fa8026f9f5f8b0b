/**
 * One kept-alive HTTP/1.1 connection for load generators that must be cheap: it sends bytes made
 * ahead, one request at a time, and reads of the answer what it takes to know its status and its end.
 *
 * It sends nothing twice. A connection that was cut tells that its request, if one was under way, has
 * no answer; who owns it opens another. Not a client: no redirects, no chunked answers.
 */
import { connect, type Socket } from 'node:net';
import { ReplyScanner } from './reply-scanner.ts';

export interface ConnectionEvents {
  /** Connected, and free for the first request. */
  opened(connection: RawConnection): void;
  /** The answer is complete, and the connection free again; of a refusal, also how its body begins. */
  answered(connection: RawConnection, status: number, refusal: string): void;
  /** Cut, or an answer that cannot be read; if it is busy, its request has no answer. */
  lost(connection: RawConnection): void;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Answers are some hundred bytes; longer ones come in pieces. */
const readBytes = 4_096;

export class RawConnection {
  /** Its owner's: which request is under way. */
  request = 0;
  readonly #socket: Socket;
  readonly #events: ConnectionEvents;
  readonly #scanner = new ReplyScanner();
  #isBusy = false;
  #isLost = false;

  constructor({ host, port }: Address, events: ConnectionEvents) {
    this.#events = events;
    const buffer = Buffer.allocUnsafe(readBytes);
    this.#socket = connect({
      host,
      port,
      noDelay: true,
      // One buffer for the life of the connection, instead of one for each read.
      onread: { buffer, callback: (bytes) => this.#read(buffer, bytes) },
    });
    this.#socket.on('connect', () => events.opened(this));
    this.#socket.on('error', () => this.#socket.destroy());
    this.#socket.on('close', () => this.#lose());
  }

  /** Whether a request is under way. */
  get isBusy(): boolean {
    return this.#isBusy;
  }

  send(request: Buffer): void {
    this.#isBusy = true;
    this.#socket.write(request);
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #read(buffer: Buffer, bytes: number): boolean {
    let status: number | undefined;
    try {
      status = this.#scanner.push(buffer, bytes);
    } catch {
      this.#socket.destroy();
      return false;
    }
    if (status !== undefined && this.#isBusy) {
      this.#isBusy = false;
      this.#events.answered(this, status, this.#scanner.refusal);
    }
    return true;
  }

  #lose(): void {
    if (this.#isLost) return;
    this.#isLost = true;
    this.#events.lost(this);
  }
}
