/**
 * Leader election as the rest of the operator sees it: a thread that holds the Lease for us.
 *
 *     const elector = electLeader({ connection, namespace, name, identity });
 *     const leadership = await elector.campaign(signal);
 *     await elector.release();
 *
 * Validity is read from memory shared with that thread, so it can never be out of date by a message
 * that waits for this thread's event loop. One elector is for one leadership: after losing it the
 * process ends. A thread that dies takes the leadership with it.
 */
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Clock } from '@millrace/kit/clock';
import type { Connection } from '../../kube/connection.ts';
import type { Leadership } from '../leadership.ts';
import { defaultTimings, type LeaseTimings } from './candidate.ts';
import { releaseRequest, type RenewalOrder, type RenewalReport } from './renewal-messages.ts';
import { processClock, SharedLease } from './shared-lease.ts';

export interface ElectionOptions {
  readonly connection: Connection;
  /** Of this process and of no other, ever: the pod's name and something random. */
  readonly identity: string;
  /** Where the Lease is. */
  readonly namespace: string;
  readonly name: string;
  readonly timings?: Partial<LeaseTimings>;
  /** Told of each attempt that failed; the election goes on. */
  readonly onFailure?: (why: string) => void;
}

export interface ElectorState {
  readonly role: 'idle' | 'candidate' | 'leader' | 'ended';
  /** 0 until there was a leadership. */
  readonly epoch: number;
}

export interface Elector {
  /** Resolves when this process leads; rejects when the signal aborts or the thread dies before. */
  campaign(signal: AbortSignal): Promise<Leadership>;
  /** Gives the Lease up, if it is held, and ends the thread; no write may be in flight. */
  release(): Promise<void>;
  readonly state: ElectorState;
}

export function electLeader(options: ElectionOptions): Elector {
  return new ThreadElector(options);
}

/** Often enough that a healthy event loop is never taken for a stalled one. */
const turnPeriodMs = 250;
/** A server that cannot be reached must not hold up an end; the Lease then runs out by itself. */
const releaseMsMax = 5_000;

/** It holds one Lease; without a limit its heap may grow as the main thread's may. */
const threadMemory = { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 64 };

class ThreadElector implements Elector {
  #options: ElectionOptions;
  #clock: Clock = processClock;
  #shared = new SharedLease();
  #lost = new AbortController();
  #worker: Worker | undefined;
  #exited: Promise<unknown> = Promise.resolve();
  #turning: NodeJS.Timeout | undefined;
  #won = Promise.withResolvers<Leadership>();
  #role: ElectorState['role'] = 'idle';
  #epoch = 0;

  constructor(options: ElectionOptions) {
    this.#options = options;
    // Whoever stops waiting for the campaign is not to blame for how it ends.
    this.#won.promise.catch(() => undefined);
  }

  get state(): ElectorState {
    return { role: this.#role, epoch: this.#epoch };
  }

  async campaign(signal: AbortSignal): Promise<Leadership> {
    signal.throwIfAborted();
    this.#start();
    const onAbort = (): void => this.#won.reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await this.#won.promise;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  async release(): Promise<void> {
    const worker = this.#worker;
    this.#end('the Lease was given up');
    if (worker === undefined) return;
    worker.postMessage(releaseRequest);
    const done = new AbortController();
    const late = this.#clock.sleep(releaseMsMax, done.signal).then(() => worker.terminate());
    await this.#exited;
    done.abort();
    await late;
  }

  #start(): void {
    const { connection, identity, namespace, name, timings } = this.#options;
    this.#shared.turned(this.#clock);
    const order: RenewalOrder = {
      connection,
      identity,
      namespace,
      name,
      timings: { ...defaultTimings, ...timings },
      shared: this.#shared.buffer,
    };
    // The same ending as this file: TypeScript in a checkout, a bundle beside this one in an image.
    const entry = `./renewal-worker${extname(import.meta.url)}`;
    const worker = new Worker(new URL(entry, import.meta.url), {
      workerData: order,
      resourceLimits: threadMemory,
    });
    this.#role = 'candidate';
    this.#worker = worker;
    worker.on('message', (report: RenewalReport) => this.#take(report));
    worker.on('error', (error) => this.#end(`the renewing thread failed: ${error.message}`));
    this.#exited = new Promise((resolve) => worker.once('exit', resolve));
    void this.#exited.then(() => this.#end('the renewing thread ended'));
    this.#turning = setInterval(() => this.#turn(), turnPeriodMs);
    this.#turning.unref();
  }

  #turn(): void {
    this.#shared.turned(this.#clock);
    // Also noticed here, should the thread hang: then nobody reports anything.
    if (this.#role === 'leader' && this.#shared.isExpired(this.#clock)) {
      this.#end('the Lease ran out');
    }
  }

  #take(report: RenewalReport): void {
    switch (report.type) {
      case 'leading':
        this.#lead(report.epoch);
        return;
      case 'lost':
        this.#end(report.why);
        return;
      case 'failed':
        this.#options.onFailure?.(report.why);
        return;
      case 'released':
        return;
    }
  }

  #lead(epoch: number): void {
    if (this.#role !== 'candidate') return;
    this.#role = 'leader';
    this.#epoch = epoch;
    this.#won.resolve({
      epoch,
      isValid: () => this.#role === 'leader' && this.#shared.isValid(this.#clock),
      lost: this.#lost.signal,
    });
  }

  #end(why: string): void {
    if (this.#role === 'ended') return;
    this.#role = 'ended';
    this.#shared.allow(undefined);
    clearInterval(this.#turning);
    this.#won.reject(new Error(why));
    this.#lost.abort(why);
  }
}
