/** What bounds an HTTP service: every number that a client could otherwise choose. */

export interface HttpLimits {
  readonly headerBytesMax: number;
  readonly urlBytesMax: number;
  readonly bodyBytesMax: number;
  readonly requestTimeoutMs: number;
  readonly connectionTimeoutMs: number;
  readonly answerTimeoutMs: number;
  readonly lingerMs: number;
  readonly connectionsMax: number;
  readonly inFlightMax: number;
  readonly heldBytesMax: number;
  readonly streamsMax: number;
  readonly streamHeartbeatMs: number;
  readonly streamStallMs: number;
  /** Absent: a stream may go on for ever. */
  readonly streamAgeMs?: number;
}

export const defaultLimits: HttpLimits = {
  headerBytesMax: 16 * 1024,
  /** A cursor over the longest keys that an index holds stays under 6 KiB. */
  urlBytesMax: 8 * 1024,
  /** Of one request; a kind that takes bodies says how large they may be. */
  bodyBytesMax: 16 * 1024,
  /** For the headers of a request, and once more for its body: a client that dribbles is let go. */
  requestTimeoutMs: 10_000,
  /** A socket on which nothing moves, for example because the client does not read. */
  connectionTimeoutMs: 30_000,
  /** From the headers to the last byte of the answer, for clients that read one byte at a time. */
  answerTimeoutMs: 60_000,
  /** For the rest of a body that is refused: read and dropped, so that its sender sees the answer. */
  lingerMs: 1_000,
  connectionsMax: 4_096,
  inFlightMax: 512,
  /** Bodies of requests that are not answered yet, and answers that clients have not read yet. */
  heldBytesMax: 64 * 1024 * 1024,
  /** Streams of events, which count for nothing above; 256 KiB is held for each beside what is in hand. */
  streamsMax: 256,
  /** Well within the minute after which most proxies close a silent stream. */
  streamHeartbeatMs: 15_000,
  /** For a client that takes nothing of what was sent. */
  streamStallMs: 10_000,
};
