/** How long and how much: every bound of the transport, with its reason. */
export interface TransportLimits {
  /** Calls that run at once, each on a connection of its own; the rest wait their turn. */
  readonly connectionsMax: number;
  readonly connectMs: number;
  /**
   * One attempt at a call about one object, from sending to the last byte. Below ten seconds, so that
   * a call that fell into a frozen server is over, and its connection given up, within ten.
   */
  readonly attemptMs: number;
  /** One page of a list: hundreds of objects may take longer to come, as long as bytes do come. */
  readonly pageMs: number;
  /** Silence within an answer that has begun. */
  readonly idleMs: number;
  /** A call with all its attempts and pauses. Work that fails after that is the queue's to repeat. */
  readonly callMs: number;
  /** A pause that the server asks for is kept up to this; a longer one is passed on to the caller. */
  readonly retryAfterMsMax: number;
  readonly attemptsMax: number;
  /** Of one answer. A page of 500 objects of 100 kB fits; a server gone mad does not. */
  readonly bodyBytesMax: number;
  /** Of one watch event: twice what etcd can hold, and managed fields and escapes on top. */
  readonly lineBytesMax: number;
  /** A watch's answer starts at once where there is anything to say, and within this otherwise. */
  readonly watchHeadersMs: number;
  /** A watch without a byte for this long is asked for again from where it was: see watch.ts. */
  readonly watchIdleMs: number;
  readonly pageObjects: number;
}

export const defaultLimits: TransportLimits = {
  connectionsMax: 16,
  connectMs: 5_000,
  attemptMs: 8_000,
  pageMs: 30_000,
  idleMs: 8_000,
  callMs: 20_000,
  retryAfterMsMax: 5_000,
  attemptsMax: 4,
  bodyBytesMax: 64 * 1024 * 1024,
  lineBytesMax: 8 * 1024 * 1024,
  watchHeadersMs: 30_000,
  watchIdleMs: 90_000,
  pageObjects: 500,
};

/** Below the 90 s after which an API server closes an idle connection: a race that we must win. */
export const keepAliveMs = 60_000;
/** Finds a peer that is gone, on a watch where nothing is sent for minutes. */
export const tcpKeepAliveMs = 30_000;
