/**
 * What one gateway knows of one subject of a rate limit: tokens it holds, requests that wait for the
 * store, and whether the store has none left.
 *
 * A request that waits is counted when the store answers for it, so it may pass even if the window
 * has ended since; only tokens held in reserve must be used within theirs. The window's end is known
 * from two sides: no earlier than counted from when the store was asked (until then a reserve is
 * good), no later than counted from its answer (then a refused client may come back).
 */
import type { RateLimitOptions, RateWindow } from './rate-limit.ts';

interface Waiting {
  readonly cost: number;
  /** With the milliseconds to wait if it is refused. */
  readonly settle: (refusedForMs: number | undefined) => void;
  readonly fail: (error: unknown) => void;
}

/** How far ahead a busy subject's needs are taken, in milliseconds of its present rate. */
const aheadMs = 25;
/** After a refusal the store is asked again no sooner: others may have given tokens back. */
const askAgainMs = 100;

export class RateSubject {
  readonly #name: string;
  readonly #options: RateLimitOptions;
  readonly #holding: (subject: RateSubject) => void;
  #held = 0;
  #window: string | undefined;
  #usableUntil = -Infinity;
  #windowOverAt = -Infinity;
  #dryUntil = -Infinity;
  /** Used since the store was last asked: the present rate. */
  #used = 0;
  #askedAt = -Infinity;
  #usedAt = -Infinity;
  #waiting: Waiting[] = [];
  #isAsking = false;

  constructor(name: string, options: RateLimitOptions, holding: (subject: RateSubject) => void) {
    this.#name = name;
    this.#options = options;
    this.#holding = holding;
  }

  get isBusy(): boolean {
    return this.#isAsking;
  }

  /** Undefined: counted and admitted. Otherwise the milliseconds until it makes sense to come back. */
  admit(cost: number): Promise<number | undefined> | number | undefined {
    const now = this.#options.clock.monotonic();
    if (this.#isAsking) return this.#wait(cost);
    if (this.#reserve(now) >= cost) {
      this.#held -= cost;
      this.#used += cost;
      this.#usedAt = now;
      return undefined;
    }
    if (now < this.#dryUntil) return this.#windowOverAt - now;
    const waiting = this.#wait(cost);
    void this.#ask();
    return waiting;
  }

  /** Gives back what has not been used since; false when nothing is held any more. */
  holdsAfterRelease(idleSince: number): boolean {
    const { clock, giveBack } = this.#options;
    const count = this.#reserve(clock.monotonic());
    if (count === 0 || giveBack === undefined) return false;
    if (this.#isAsking || this.#usedAt > idleSince) return true;
    this.#held = 0;
    this.#used = 0;
    // Tokens whose way back fails stay counted: fewer pass in this window, never more.
    giveBack(this.#name, this.#rateWindow(0), { count, window: this.#window }).catch(
      () => undefined,
    );
    return false;
  }

  #wait(cost: number): Promise<number | undefined> {
    return new Promise((settle, fail) => {
      this.#waiting.push({ cost, settle, fail });
    });
  }

  #reserve(now: number): number {
    if (now >= this.#usableUntil) this.#held = 0;
    return this.#held;
  }

  /** One call at a time: whoever comes meanwhile shares the next. */
  async #ask(): Promise<void> {
    this.#isAsking = true;
    while (this.#waiting.length > 0) {
      const asking = this.#waiting;
      this.#waiting = [];
      try {
        await this.#serve(asking);
      } catch (error) {
        for (const { fail } of asking) fail(error);
      }
    }
    this.#isAsking = false;
  }

  async #serve(asking: readonly Waiting[]): Promise<void> {
    const { clock } = this.#options;
    const now = clock.monotonic();
    const needed = asking.reduce((sum, { cost }) => sum + cost, 0);
    // The reserve is used now, while it is certainly good.
    const reserved = Math.min(this.#reserve(now), needed);
    const wanted = needed - reserved;
    const windowBefore = this.#window;
    this.#held -= reserved;
    let granted = 0;
    try {
      if (wanted > 0 && now >= this.#dryUntil) granted = await this.#take(now, wanted);
    } catch (error) {
      this.#held += reserved;
      throw error;
    }
    const left = this.#settle(asking, reserved + granted);
    // Of a reserve that nobody could use, nothing is kept if its window is over.
    const kept = this.#window === windowBefore ? left : Math.min(left, granted);
    if (kept === 0) return;
    this.#held += kept;
    this.#holding(this);
  }

  /** Those who came first are admitted first; gives what is left over. */
  #settle(asking: readonly Waiting[], tokens: number): number {
    const now = this.#options.clock.monotonic();
    let left = tokens;
    for (const { cost, settle } of asking) {
      if (left < cost) {
        settle(Math.max(1, this.#windowOverAt - now));
        continue;
      }
      left -= cost;
      this.#used += cost;
      this.#usedAt = now;
      settle(undefined);
    }
    return left;
  }

  async #take(askedAt: number, wanted: number): Promise<number> {
    const { take, clock } = this.#options;
    const window = this.#rateWindow(this.#ahead(askedAt));
    this.#askedAt = askedAt;
    this.#used = 0;
    const taken = await take(this.#name, window, wanted);
    const now = clock.monotonic();
    this.#window = taken.window;
    this.#usableUntil = askedAt + taken.windowEndsInMs;
    this.#windowOverAt = now + taken.windowEndsInMs;
    if (taken.granted < wanted) this.#dryUntil = Math.min(now + askAgainMs, this.#windowOverAt);
    return taken.granted;
  }

  #ahead(now: number): number {
    if (this.#options.giveBack === undefined) return 0;
    const perMs = this.#used / Math.max(1, now - this.#askedAt);
    return Math.floor(perMs * aheadMs);
  }

  #rateWindow(ahead: number): RateWindow {
    const { requests, perMs } = this.#options;
    return { requests, perMs, ahead };
  }
}
