/**
 * Clients in a closed loop: each sends increments, waits for what becomes of them, and sends the next,
 * so that a service that slows down is asked for less. What each key must come to is kept in a tally.
 *
 * A plain client sends nothing twice. A retrying one sends each request with an Idempotency-Key, and
 * again, byte for byte, until it is answered with 200; only when its patience ends after the load has
 * ended does a request stay unanswered. Keys, values and their order follow from the seed.
 */
import { Agent } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { exchange, type Outcome } from './exchange.ts';
import type { Random } from './random.ts';
import { Tally, type Increments } from './tally.ts';

export interface ClientsOptions {
  /** Base of the gateway, such as `http://127.0.0.1:8080`. */
  readonly url: string;
  /** Each has one connection and one request at a time. */
  readonly clients: number;
  readonly keys: readonly string[];
  /** Increments of one request: 1 is POST /increment, more is POST /increments. */
  readonly itemsPerRequest: number;
  readonly valueMax: number;
  /** First letters of the Idempotency-Keys; absent: plain clients. */
  readonly retryingAs?: string;
  readonly random: Random;
  readonly timeoutMs: number;
  /** Sends no more than so many increments; absent: until it is stopped. */
  readonly incrementsMax?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Clients extends AsyncDisposable {
  readonly tally: Tally;
  /** Ends of requests by reason, repeated ones too; a bounded number of different reasons. */
  readonly reasons: ReadonlyMap<string, number>;
  /** Requests that wait for an answer now. */
  readonly underWay: number;
  /** Begins no request any more; those that were begun are waited for, for so long. */
  stop(patienceMs: number): Promise<void>;
  /** Resolves when all that was asked for has been sent. */
  readonly ended: Promise<void>;
}

/** A client that is told off comes back this much later at the least. */
const pauseMs = { first: 20, most: 1_000 } as const;
const reasonsMax = 64;

export function startClients(options: ClientsOptions): Clients {
  return new ClosedLoop(options);
}

class ClosedLoop implements Clients {
  readonly tally: Tally;
  readonly reasons = new Map<string, number>();
  readonly ended: Promise<void>;
  underWay = 0;
  readonly #options: ClientsOptions;
  readonly #agent: Agent;
  readonly #url: URL;
  readonly #prefixes: readonly string[];
  readonly #stop = new AbortController();
  /** When nobody waits any longer. */
  readonly #over = new AbortController();
  #begun = 0;
  #requests = 0;

  constructor(options: ClientsOptions) {
    this.#options = options;
    this.tally = new Tally(options.keys);
    this.#agent = new Agent({ keepAlive: true, maxSockets: options.clients });
    this.#url = new URL(options.itemsPerRequest === 1 ? '/increment' : '/increments', options.url);
    this.#prefixes = options.keys.map((key) => `{"key":"${key}","value":`);
    const loops = Array.from({ length: options.clients }, async () => this.#loop());
    this.ended = Promise.all(loops).then(() => undefined);
  }

  async stop(patienceMs: number): Promise<void> {
    this.#stop.abort();
    const timer = setTimeout(() => this.#over.abort(), patienceMs);
    await this.ended;
    clearTimeout(timer);
    this.#agent.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop(0);
  }

  async #loop(): Promise<void> {
    let pause: number = pauseMs.first;
    while (!this.#stop.signal.aborted) {
      const increments = this.#next();
      if (increments === undefined) return;
      this.#requests += 1;
      const outcome = await this.#send(increments, this.#requests);
      this.tally.record(outcome.fate, increments);
      if (outcome.fate === 'Accepted') pause = pauseMs.first;
      else pause = await this.#wait(pause, outcome, this.#stop.signal);
    }
  }

  #next(): Increments | undefined {
    const { itemsPerRequest, incrementsMax = Number.MAX_SAFE_INTEGER, keys } = this.#options;
    const { valueMax, random } = this.#options;
    const many = Math.min(itemsPerRequest, incrementsMax - this.#begun);
    if (many <= 0) return undefined;
    this.#begun += many;
    return {
      keys: Uint32Array.from({ length: many }, () => random.below(keys.length)),
      values: Float64Array.from({ length: many }, () => 1 + random.below(valueMax)),
    };
  }

  async #send(increments: Increments, request: number): Promise<Outcome> {
    const { retryingAs } = this.#options;
    const body = this.#body(increments);
    if (retryingAs === undefined) return this.#post(body, {});
    const headers = { 'idempotency-key': `${retryingAs}-${String(request)}` };
    let pause: number = pauseMs.first;
    let isKnownRefused = true;
    for (;;) {
      const outcome = await this.#post(body, headers);
      if (outcome.fate === 'Accepted') return outcome;
      if (outcome.fate === 'Unanswered') isKnownRefused = false;
      // Asked again it would be told the same; that a repetition differs from itself is a fault.
      const isFinal = isHopeless(outcome) || this.#over.signal.aborted;
      if (isFinal) return { ...outcome, fate: isKnownRefused ? 'Refused' : 'Unanswered' };
      pause = await this.#wait(pause, outcome, this.#over.signal);
    }
  }

  async #post(body: string, headers: Readonly<Record<string, string>>): Promise<Outcome> {
    this.underWay += 1;
    const outcome = await exchange({
      agent: this.#agent,
      url: this.#url,
      headers: { ...this.#options.headers, ...headers },
      body,
      timeoutMs: this.#options.timeoutMs,
    });
    this.underWay -= 1;
    const { reasons } = this;
    const reason =
      reasons.has(outcome.reason) || reasons.size < reasonsMax ? outcome.reason : 'other';
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    return outcome;
  }

  async #wait(pause: number, { retryAfterMs }: Outcome, signal: AbortSignal): Promise<number> {
    const waitMs = Math.min(Math.max(pause, retryAfterMs), pauseMs.most);
    await delay(waitMs, undefined, { signal }).catch(() => undefined);
    return Math.min(pause * 2, pauseMs.most);
  }

  #body({ keys, values }: Increments): string {
    if (this.#options.itemsPerRequest === 1) return this.#item(keys[0] ?? 0, values[0] ?? 0);
    let text = '[';
    for (const [at, key] of keys.entries())
      text += `${at === 0 ? '' : ','}${this.#item(key, values[at] ?? 0)}`;
    return `${text}]`;
  }

  #item(key: number, value: number): string {
    return `${this.#prefixes[key] ?? ''}${String(value)}}`;
  }
}

/** Client errors stay, save those that pass with time. */
function isHopeless({ reason }: Outcome): boolean {
  return /^4\d\d/.test(reason) && !/^(408|425|429)/.test(reason);
}
