/**
 * One candidate for a Lease: the protocol, over a port and a clock, without threads or sockets.
 *
 * States: campaigning → leading → ended, never back. A candidate takes a Lease that is free: given
 * up, or not changed for as long as its holder asked to be given, measured on our own monotonic
 * clock from when we saw the last change. No clock is compared with another machine's.
 *
 * Why no two lead at once: a leader counts its validity from before it sent the write that was
 * acknowledged, for the renew deadline; everyone else waits for the longer Lease duration, from after
 * they saw that write. Answers may be lost, late or doubled: a write that came late carries a version
 * and so either was the next one or fails, and what a lost answer has done is found by reading.
 * Clocks may run at different speeds up to the ratio of the two times.
 *
 * The monotonic clock stands still while a machine sleeps, so validity ends on the wall clock too.
 * A wall clock that is set forward only makes us wait for the next renewal.
 */
import type { Clock } from '@millrace/kit/clock';
import { KubeFailure } from '../kube-failure.ts';
import type { Lease, LeasePort, LeaseRecord } from './lease.ts';

export interface LeaseTimings {
  /** How long others wait for a leader that says nothing. */
  readonly leaseDurationMs: number;
  /** How long a leader acts after its last renewal; below the duration, by what a write may take. */
  readonly renewDeadlineMs: number;
  readonly retryPeriodMs: number;
}

/** What Kubernetes' own controllers use: a dead leader is followed within twenty seconds. */
export const defaultTimings: LeaseTimings = {
  leaseDurationMs: 15_000,
  renewDeadlineMs: 10_000,
  retryPeriodMs: 2_000,
};

/** Until when writes may begin; both must lie ahead. */
export interface Validity {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

export interface CandidateOptions {
  readonly port: LeasePort;
  readonly clock: Clock;
  /** Of this process and of no other, ever. */
  readonly identity: string;
  readonly timings: LeaseTimings;
  /** Told whenever the right to write begins, is extended, or (undefined) ends. */
  readonly onValidity: (validity: Validity | undefined) => void;
  readonly onFailure: (failure: unknown) => void;
  /** Whether this process could lead now; a stalled one must not take a Lease. */
  readonly isFit?: () => boolean;
  /** In [0, 1); keeps candidates from asking in step. */
  readonly random?: () => number;
}

/** How long one call may take: three fit between a renewal and its deadline. */
export function attemptMs(timings: LeaseTimings): number {
  return Math.floor(timings.renewDeadlineMs / 3);
}

const releaseAttemptsMax = 3;
/** What is left of a Lease that was given up; the API wants at least a second. */
const releasedDurationSeconds = 1;

export class Candidate {
  #options: CandidateOptions;
  /** The Lease as last seen, and when its version was first seen. */
  #seen: { readonly lease: Lease; readonly at: number } | undefined;
  #validUntil: number | undefined;
  /** Whether a write may have made us the holder, known or not. */
  #mayHold = false;

  constructor(options: CandidateOptions) {
    this.#options = options;
  }

  /** Who holds the Lease as far as we know; empty when nobody does. */
  get holder(): string {
    return this.#seen?.lease.holder ?? '';
  }

  /** The epoch, once this candidate leads; undefined when the signal aborted before. */
  async campaign(signal: AbortSignal): Promise<number | undefined> {
    while (!signal.aborted) {
      const epoch = await this.#tryToLead();
      if (epoch !== undefined) return epoch;
      await this.#pause(signal);
    }
    return undefined;
  }

  /** Renews; resolves with why the Lease was lost, or with undefined when the signal aborted. */
  async keep(signal: AbortSignal): Promise<string | undefined> {
    while (!signal.aborted) {
      await this.#pause(signal);
      if (signal.aborted) return undefined;
      const why = (await this.#renew()) ?? this.#expired();
      if (why === undefined) continue;
      this.#end();
      return why;
    }
    return undefined;
  }

  /** Gives the Lease up if it is ours, so that a successor need not wait. Nothing is written after. */
  async release(): Promise<void> {
    this.#end();
    for (let attempt = 1; this.#mayHold && attempt <= releaseAttemptsMax; attempt++) {
      try {
        await this.#giveUp();
        this.#mayHold = false;
      } catch (failure) {
        this.#options.onFailure(failure);
      }
    }
  }

  async #tryToLead(): Promise<number | undefined> {
    const { clock, port, onFailure, isFit } = this.#options;
    try {
      const lease = await this.#bounded(() => port.read());
      this.#see(lease);
      if (!this.#isFree() || isFit?.() === false) return undefined;
      const sentAt = { monotonicMs: clock.monotonic(), wallMs: clock.now() };
      const record = this.#takeOver(lease);
      this.#mayHold = true;
      const held = await this.#bounded(() =>
        lease === undefined ? port.create(record) : port.replace(record, lease.version),
      );
      this.#hold(held, sentAt);
      return held.transitions;
    } catch (failure) {
      // Not even NotFound is a race here: it is the namespace that is not there.
      if (!isOvertaken(failure)) onFailure(failure);
      return undefined;
    }
  }

  /** Why the Lease is not ours any more; undefined when it is, or when that could not be learnt. */
  async #renew(): Promise<string | undefined> {
    const { port, onFailure } = this.#options;
    try {
      if (await this.#extend()) return undefined;
      // Refused: somebody has the Lease, or an earlier write of ours had got through unheard.
      const lease = await this.#bounded(() => port.read());
      this.#see(lease);
      const why = this.#lossOf(lease);
      if (why === undefined) await this.#extend();
      return why;
    } catch (failure) {
      onFailure(failure);
      return undefined;
    }
  }

  /** False when the Lease is not as we last saw it. */
  async #extend(): Promise<boolean> {
    const { clock, port } = this.#options;
    const lease = this.#seen?.lease;
    if (lease === undefined) return false;
    const sentAt = { monotonicMs: clock.monotonic(), wallMs: clock.now() };
    const record = { ...lease, renewedAt: sentAt.wallMs };
    try {
      this.#hold(await this.#bounded(() => port.replace(record, lease.version)), sentAt);
      return true;
    } catch (failure) {
      if (isOvertaken(failure) || isAbsence(failure)) return false;
      throw failure;
    }
  }

  #lossOf(lease: Lease | undefined): string | undefined {
    if (lease === undefined) return 'the Lease was deleted';
    if (lease.holder === this.#options.identity) return undefined;
    return lease.holder === '' ? 'the Lease was given up' : `${lease.holder} holds the Lease`;
  }

  async #giveUp(): Promise<void> {
    const { clock, port, identity } = this.#options;
    const lease = await this.#bounded(() => port.read());
    if (lease?.holder !== identity) return;
    const record = {
      ...lease,
      holder: '',
      durationSeconds: releasedDurationSeconds,
      renewedAt: clock.now(),
    };
    await this.#bounded(() => port.replace(record, lease.version));
  }

  #see(lease: Lease | undefined): void {
    // A Lease that was deleted leaves its holder the time that it was promised.
    if (lease === undefined || lease.version === this.#seen?.lease.version) return;
    this.#seen = { lease, at: this.#options.clock.monotonic() };
  }

  #isFree(): boolean {
    const { clock, identity, timings } = this.#options;
    if (this.#seen === undefined) return true;
    const { lease, at } = this.#seen;
    if (lease.holder === '' || lease.holder === identity) return true;
    const promisedMs = lease.durationSeconds * 1_000 || timings.leaseDurationMs;
    return clock.monotonic() - at > promisedMs;
  }

  #takeOver(lease: Lease | undefined): LeaseRecord {
    const { clock, identity, timings } = this.#options;
    const now = clock.now();
    const isOurs = lease?.holder === identity;
    return {
      holder: identity,
      durationSeconds: Math.ceil(timings.leaseDurationMs / 1_000),
      acquiredAt: isOurs ? lease.acquiredAt : now,
      renewedAt: now,
      transitions: lease === undefined ? firstEpoch(now) : lease.transitions + (isOurs ? 0 : 1),
    };
  }

  #hold(lease: Lease, sentAt: Validity): void {
    const { renewDeadlineMs } = this.#options.timings;
    this.#see(lease);
    const monotonicMs = sentAt.monotonicMs + renewDeadlineMs;
    this.#validUntil = monotonicMs;
    this.#options.onValidity({ monotonicMs, wallMs: sentAt.wallMs + renewDeadlineMs });
  }

  #expired(): string | undefined {
    const { clock, timings } = this.#options;
    if (this.#validUntil !== undefined && clock.monotonic() < this.#validUntil) return undefined;
    return `the Lease could not be renewed for ${timings.renewDeadlineMs / 1_000} s`;
  }

  #end(): void {
    this.#validUntil = undefined;
    this.#options.onValidity(undefined);
  }

  /** A call that does not answer is given up early enough for another one before the deadline. */
  async #bounded<T>(call: () => Promise<T>): Promise<T> {
    const { clock, timings } = this.#options;
    const answered = new AbortController();
    const timeout = async (): Promise<never> => {
      await clock.sleep(attemptMs(timings), answered.signal);
      throw new KubeFailure('ServerTimeout', 'the API server did not answer about the Lease');
    };
    try {
      return await Promise.race([call(), timeout()]);
    } finally {
      answered.abort();
    }
  }

  async #pause(signal: AbortSignal): Promise<void> {
    const { clock, timings, random = Math.random } = this.#options;
    await clock.sleep(timings.retryPeriodMs * (0.8 + 0.4 * random()), signal);
  }
}

function isOvertaken(failure: unknown): boolean {
  return failure instanceof KubeFailure && ['Conflict', 'AlreadyExists'].includes(failure.reason);
}

function isAbsence(failure: unknown): boolean {
  return failure instanceof KubeFailure && failure.reason === 'NotFound';
}

const startOfEpochs = Date.parse('2020-01-01T00:00:00Z');

/**
 * A Lease that was deleted and made anew must not begin at epochs that intents on record are above
 * already. A Lease changes hands less than once a second, so the seconds are always ahead; they fit
 * the field's 32 bits until 2088.
 */
function firstEpoch(now: number): number {
  return Math.max(1, Math.floor((now - startOfEpochs) / 1_000));
}
