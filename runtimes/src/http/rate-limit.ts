/**
 * A bound on the requests of each subject in each window, exact over all gateways: the documented
 * number is the enforced number.
 *
 * The store counts, by its own clock; nobody else does. A gateway takes from it what the requests
 * that wait here need, all in one call, and where the store can take tokens back, also what the
 * subject is about to need in the next moments; so a busy subject costs a few calls a second. Tokens
 * taken ahead are not used after their window; the store gives fewer of them the nearer the bound is,
 * and in the end none; those that stay unused for a moment are given back for other gateways. Hence
 * never more than `requests` pass in a window, and never fewer for longer than that moment.
 *
 * Memory is bounded by forgetting the subject that was asked for longest ago. Without the store the
 * answer is 503: nothing is counted by guesswork.
 */
import type { Clock } from '@millrace/kit/clock';
import { RateSubject } from './rate-subject.ts';
import { RequestError } from './request-error.ts';

export interface RateWindow {
  readonly requests: number;
  readonly perMs: number;
  /** How many more than wanted may be granted as long as there are plenty. */
  readonly ahead: number;
}

export interface Taken {
  /** Less than wanted: there are no more in this window. */
  readonly granted: number;
  readonly windowEndsInMs: number;
  /** Names the window that they count for. */
  readonly window?: string;
}

/** Counts `wanted` requests of the subject in the present window, or as many as are left. */
export type Take = (subject: string, window: RateWindow, wanted: number) => Promise<Taken>;

export interface GivenBack {
  readonly count: number;
  /** The window they were taken in; for another one they mean nothing. */
  readonly window: string | undefined;
}
export type GiveBack = (subject: string, window: RateWindow, tokens: GivenBack) => Promise<void>;

export interface RateLimitOptions {
  readonly requests: number;
  readonly perMs: number;
  readonly take: Take;
  /** Without it nothing is taken ahead. */
  readonly giveBack?: GiveBack;
  readonly clock: Clock;
  readonly subjectsMax?: number;
}

export interface RateLimit {
  /** Counts the request, or throws 429 with Retry-After; Transient while the store is away. */
  admit(subject: string, cost?: number): Promise<void>;
}

/** A subject is some two hundred bytes; one that is forgotten costs a call of the store more. */
const subjectsMaxDefault = 10_000;
/** Tokens unused for this long are given back: the longest that one gateway can hold up another. */
const idleMs = 50;

export function createRateLimit(options: RateLimitOptions): RateLimit {
  const { clock, subjectsMax = subjectsMaxDefault } = options;
  const subjects = new Map<string, RateSubject>();
  const holders = new Set<RateSubject>();
  let isReleasing = false;

  const release = async (): Promise<void> => {
    isReleasing = true;
    while (holders.size > 0) {
      await clock.sleep(idleMs);
      const idleSince = clock.monotonic() - idleMs;
      for (const subject of holders) {
        if (!subject.holdsAfterRelease(idleSince)) holders.delete(subject);
      }
    }
    isReleasing = false;
  };
  const holding = (subject: RateSubject): void => {
    holders.add(subject);
    if (!isReleasing) void release();
  };
  const forgetOldest = (): void => {
    for (const [name, subject] of subjects) {
      if (subjects.size <= subjectsMax) return;
      // One that waits for the store is needed by a request, and those are bounded elsewhere. What
      // another holds is given back by the release above, which still knows it.
      if (!subject.isBusy) subjects.delete(name);
    }
  };

  return {
    admit: async (name, cost = 1) => {
      if (cost > options.requests) throw tooMany(options, options.perMs);
      const known = subjects.get(name);
      const subject = known ?? new RateSubject(name, options, holding);
      // Asked for last, so forgotten last.
      if (known !== undefined) subjects.delete(name);
      subjects.set(name, subject);
      if (known === undefined) forgetOldest();
      const refusedForMs = await subject.admit(cost);
      if (refusedForMs !== undefined) throw tooMany(options, refusedForMs);
    },
  };
}

function tooMany({ requests, perMs }: RateLimitOptions, waitMs: number): RequestError {
  return new RequestError(`Over the limit of ${requests} requests in ${perMs / 1000} s.`, {
    status: 429,
    code: 'TooManyRequests',
    headers: { 'retry-after': String(Math.max(1, Math.ceil(waitMs / 1000))) },
  });
}
