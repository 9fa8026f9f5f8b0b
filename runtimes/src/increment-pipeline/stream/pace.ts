/**
 * Whether an increment that is taken now would be in the sums in time.
 *
 * Gateways can take increments many times faster than workers can commit keys. The budget bounds
 * memory; it would let them pile up minutes of work, and every sum would be that old. So no more is
 * taken than the workers commit within `waitMaxMs`, at the speed they have shown: the rate between two
 * looks in which they never ran dry, or any rate above it. What other gateways take between two looks
 * is not known, so that each has an equal share of the room that was left, and of what is committed
 * meanwhile. While Postgres is away nothing is refused here: then the budget alone decides.
 */
export interface PaceLook {
  /** Monotonic milliseconds. */
  readonly atMs: number;
  /** Increments ever accepted, and of those how many are accounted for in Postgres. */
  readonly accepted: number;
  readonly settled: number;
  /**
   * Age of the oldest increment that is not committed, among partitions that moved on since the last
   * look; 0 without one. A partition whose worker died says nothing about the speed of the others.
   */
  readonly oldestAgeMs: number;
  /** That are alive, this one included. */
  readonly gateways: number;
}

export interface PaceOptions {
  /** How long an increment may wait for its commit, by what is known when it is taken. */
  readonly waitMaxMs: number;
  /** Older than this, with workers at work, means that they did not run dry. */
  readonly flushIntervalMs: number;
}

/**
 * Increments a second that workers are trusted with before they have shown what they can do: a fifth
 * of what one of them commits on a laptop (hack/bench/increment-pipeline). Too low costs refusals in the
 * first second of a burst, too high old sums in the first seconds of a slow database.
 */
const firstPerSecond = 20_000;
/** One look in which Postgres was slow must not halve what is taken. */
const smoothing = 0.5;

export class Pace {
  readonly #options: PaceOptions;
  #perMs = firstPerSecond / 1_000;
  #last: PaceLook | undefined;
  #addedSince = 0;

  constructor(options: PaceOptions) {
    this.#options = options;
  }

  /** Increments a second that the workers are taken to commit. */
  get perSecond(): number {
    return this.#perMs * 1_000;
  }

  /** Told of what this gateway has appended. */
  added(increments: number): void {
    this.#addedSince += increments;
  }

  looked(look: PaceLook): void {
    const last = this.#last;
    if (last !== undefined && look.atMs > last.atMs) this.#learn(last, look);
    this.#last = look;
    this.#addedSince = 0;
  }

  /** Nothing is known of Postgres at the moment. */
  lost(): void {
    this.#last = undefined;
  }

  /** Milliseconds after which it may be taken; 0 now. */
  waitMs(nowMs: number): number {
    const last = this.#last;
    if (last === undefined) return 0;
    const room = this.#perMs * this.#options.waitMaxMs - (last.accepted - last.settled);
    const share = (room + this.#perMs * (nowMs - last.atMs)) / Math.max(1, last.gateways);
    const excess = this.#addedSince - share;
    return excess <= 0 ? 0 : Math.ceil((excess * Math.max(1, last.gateways)) / this.#perMs);
  }

  #learn(last: PaceLook, look: PaceLook): void {
    const rate = (look.settled - last.settled) / (look.atMs - last.atMs);
    const wasBusy = look.oldestAgeMs > 2 * this.#options.flushIntervalMs && rate > 0;
    if (rate > this.#perMs) this.#perMs = rate;
    else if (wasBusy) this.#perMs += (rate - this.#perMs) * smoothing;
  }
}
