/**
 * Finds the end of each HTTP/1.1 answer on a connection that carries one at a time, its status, and
 * of refusals the beginning of the body.
 * Pure. An answer must say its length; one that is chunked, or is none at all, is refused.
 */

/** More than any service of ours sends. */
const headBytesMax = 64 * 1024;
const headEnd = '\r\n\r\n';
/** `HTTP/1.1 200` … */
const statusAt = 9;
const okStatus = 200;
const refusedStatus = 400;
/** Of the body of a refusal: enough for its code. */
const refusalBytesMax = 512;

export class ReplyScanner {
  #head = '';
  #status = 0;
  #bodyLeft = -1;
  #refusal = '';

  /** The beginning of the body of the last answer, if that was a refusal. */
  get refusal(): string {
    return this.#refusal;
  }

  /** The status when these bytes complete an answer. */
  push(buffer: Buffer, bytes: number): number | undefined {
    if (this.#bodyLeft >= 0) {
      this.#note(() => buffer.toString('latin1', 0, bytes));
      return this.#passBody(bytes);
    }
    this.#head += buffer.toString('latin1', 0, bytes);
    const end = this.#head.indexOf(headEnd);
    if (end < 0) {
      if (this.#head.length > headBytesMax) throw new Error('an answer without an end');
      return undefined;
    }
    this.#status = statusOf(this.#head);
    this.#bodyLeft = lengthOf(this.#head, end);
    const head = this.#head;
    this.#head = '';
    this.#refusal = '';
    this.#note(() => head.slice(end + headEnd.length));
    return this.#passBody(head.length - end - headEnd.length);
  }

  #note(text: () => string): void {
    if (this.#status < refusedStatus) return;
    this.#refusal = (this.#refusal + text()).slice(0, refusalBytesMax);
  }

  #passBody(bytes: number): number | undefined {
    this.#bodyLeft -= bytes;
    if (this.#bodyLeft > 0) return undefined;
    if (this.#bodyLeft < 0) throw new Error('more bytes than the answer announced');
    this.#bodyLeft = -1;
    return this.#status;
  }
}

function statusOf(head: string): number {
  const status = Number(head.slice(statusAt, statusAt + 3));
  if (!head.startsWith('HTTP/1.1 ') || !(status >= okStatus)) throw new Error('not an answer');
  return status;
}

function lengthOf(head: string, end: number): number {
  const match = /\r\ncontent-length: *(\d+)/i.exec(head.slice(0, end + 2));
  if (match === null) throw new Error('an answer that does not say its length');
  return Number(match[1]);
}
