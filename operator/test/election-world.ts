/**
 * Processes that compete for one Lease, in simulated time: the world of the election's model test.
 *
 * Each process has clocks of its own (a wall clock that is wrong, a monotonic clock of its own
 * speed), can be stopped, put to sleep with its machine, killed, or told to give up, and reaches the
 * server over a network that delays, loses and doubles. A process that lost its Lease is dead, and
 * its slot gets a new one, as a supervisor would see to. The world knows the true time, and checks
 * at each change, and at each step, that at most one process may write.
 */
import {
  Candidate,
  defaultTimings,
  type Validity,
} from '../src/machinery/leader-election/candidate.ts';
import type { Lease, LeasePort, LeaseRecord } from '../src/machinery/leader-election/lease.ts';
import { SharedLease } from '../src/machinery/leader-election/shared-lease.ts';
import { KubeFailure } from '../src/machinery/kube-failure.ts';
import { ManualClock } from './manual-clock.ts';
import { ProcessClock, type ClockErrors, type Pause } from './process-clock.ts';

export interface Network {
  readonly requestMs: number;
  readonly answerMs: number;
  /** Shares of the requests, in [0, 1]. */
  readonly requestLost: number;
  readonly answerLost: number;
  readonly doubled: number;
}

export const goodNetwork: Network = {
  requestMs: 5,
  answerMs: 5,
  requestLost: 0,
  answerLost: 0,
  doubled: 0,
};

interface Process {
  readonly identity: string;
  readonly clock: ProcessClock;
  readonly candidate: Candidate;
  readonly shared: SharedLease;
  readonly stop: AbortController;
  readonly life: Promise<void>;
}

export class ElectionWorld {
  readonly truth = new ManualClock();
  /** Epochs in the order in which leaderships began. */
  readonly epochs: number[] = [];
  isServerAway = false;
  /** What must never be and was; kept, since whoever made it so may catch what is thrown at it. */
  #broken: string | undefined;
  #lease: Lease | undefined;
  #version = 0;
  #processes: Process[] = [];
  #networks: Network[];
  #started = 0;
  readonly #slots: readonly ClockErrors[];
  readonly #random: () => number;

  constructor(slots: readonly ClockErrors[], random: () => number) {
    this.#slots = slots;
    this.#random = random;
    this.#networks = slots.map(() => goodNetwork);
    for (const slot of slots.keys()) this.#start(slot);
  }

  /** Identities of those that may write at this moment. */
  get valid(): readonly string[] {
    return this.#processes
      .filter(({ shared, clock }) => shared.isValid(clock))
      .map(({ identity }) => identity);
  }

  async advance(ms: number): Promise<void> {
    const stepMs = 500;
    for (let passed = 0; passed < ms; passed += stepMs) {
      await this.truth.advance(Math.min(stepMs, ms - passed));
      this.#check();
      if (this.#broken !== undefined) throw new Error(this.#broken);
    }
  }

  setNetwork(slot: number, network: Network): void {
    this.#networks[slot] = network;
  }

  pause(slot: number, pause: Pause): void {
    this.#at(slot).clock.set(pause);
    this.#check();
  }

  setWallClock(slot: number, byMs: number): void {
    this.#at(slot).clock.step(byMs);
    this.#check();
  }

  kill(slot: number): void {
    this.#start(slot);
  }

  /** Told to end: gives the Lease up, then ends. */
  release(slot: number): void {
    const { candidate, stop, life, identity } = this.#at(slot);
    stop.abort();
    void life
      .then(() => candidate.release())
      .then(() => {
        if (this.#at(slot).identity === identity) this.#start(slot);
      });
  }

  /** Somebody edits the Lease without taking it. */
  edit(): void {
    if (this.#lease !== undefined) this.#store(this.#lease);
  }

  async heal(): Promise<void> {
    this.isServerAway = false;
    for (const slot of this.#slots.keys()) {
      this.#networks[slot] = goodNetwork;
      this.pause(slot, 'running');
    }
    await this.advance(1_000);
  }

  #at(slot: number): Process {
    const process = this.#processes[slot];
    if (process === undefined) throw new Error(`no slot ${slot}`);
    return process;
  }

  #start(slot: number): void {
    const errors = this.#slots[slot];
    if (errors === undefined) throw new Error(`no slot ${slot}`);
    const clock = new ProcessClock(this.truth, errors);
    // Whoever was here before hears nothing more, and its requests go on their way.
    this.#processes[slot]?.clock.set('stopped');
    const identity = `process ${++this.#started} in slot ${slot}`;
    const shared = new SharedLease();
    const stop = new AbortController();
    const candidate = new Candidate({
      port: this.#port(slot, clock),
      clock,
      identity,
      timings: defaultTimings,
      onValidity: (validity) => this.#onValidity(shared, validity),
      onFailure: () => undefined,
      random: this.#random,
    });
    const life = this.#live(slot, { candidate, stop, shared });
    this.#processes[slot] = { identity, clock, candidate, shared, stop, life };
  }

  async #live(
    slot: number,
    process: Pick<Process, 'candidate' | 'stop' | 'shared'>,
  ): Promise<void> {
    const { candidate, stop, shared } = process;
    const epoch = await candidate.campaign(stop.signal);
    if (epoch === undefined || this.#processes[slot]?.shared !== shared) return;
    const highest = Math.max(0, ...this.epochs);
    if (epoch <= highest) this.#broken ??= `epoch ${epoch} after ${highest}`;
    this.epochs.push(epoch);
    const why = await candidate.keep(stop.signal);
    if (why !== undefined && this.#processes[slot]?.shared === shared) this.#start(slot);
  }

  #onValidity(shared: SharedLease, validity: Validity | undefined): void {
    shared.allow(validity);
    this.#check();
  }

  #check(): void {
    const { valid } = this;
    if (valid.length > 1) this.#broken ??= `may write at the same time: ${valid.join(' and ')}`;
  }

  #port(slot: number, clock: ProcessClock): LeasePort {
    const call = <T>(effect: () => T): Promise<T> => this.#transmit(slot, clock, effect);
    return {
      read: () => call(() => this.#lease),
      create: (record) => call(() => this.#create(record)),
      replace: (record, version) => call(() => this.#replace(record, version)),
    };
  }

  async #transmit<T>(slot: number, clock: ProcessClock, effect: () => T): Promise<T> {
    const network = this.#networks[slot] ?? goodNetwork;
    const random = this.#random;
    const lost = new KubeFailure('Unavailable', 'the connection was reset');
    const hangs = random() < 0.5;
    const lose = async (): Promise<never> => {
      if (hangs) await new Promise<never>(() => undefined);
      await clock.running();
      throw lost;
    };
    await this.truth.sleep(network.requestMs * 2 * random());
    if (this.isServerAway || random() < network.requestLost) return await lose();
    if (random() < network.doubled) {
      // The copy arrives whenever it does, and nobody hears its answer.
      void this.truth.sleep(20_000 * random()).then(() => attempt(effect));
    }
    const answer = attempt(effect);
    await this.truth.sleep(network.answerMs * 2 * random());
    if (random() < network.answerLost) return await lose();
    await clock.running();
    if ('failure' in answer) throw answer.failure;
    return answer.value;
  }

  #create(record: LeaseRecord): Lease {
    if (this.#lease !== undefined) throw new KubeFailure('AlreadyExists', 'there is one');
    return this.#store(record);
  }

  #replace(record: LeaseRecord, version: string): Lease {
    if (this.#lease?.version !== version) throw new KubeFailure('Conflict', 'not that version');
    return this.#store(record);
  }

  #store(record: LeaseRecord): Lease {
    this.#lease = { ...record, version: String(++this.#version) };
    return this.#lease;
  }
}

function attempt<T>(effect: () => T): { readonly value: T } | { readonly failure: unknown } {
  try {
    return { value: effect() };
  } catch (failure) {
    return { failure };
  }
}
