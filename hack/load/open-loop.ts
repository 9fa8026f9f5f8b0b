/**
 * Load at a constant rate, whatever the service does: request number n is due n / rate after the
 * start, and its latency counts from then. A service that stalls is therefore charged with every
 * request that came due meanwhile, as its users would be; a closed loop would have asked less.
 *
 * How late the generator itself looked at what was due is measured beside, since a generator that is
 * late measures itself: `isLate` says that a run tells nothing. It sends nothing twice, and keeps no
 * account of keys: `settled` hears what became of each request.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { RawConnection, type Address } from './raw-connection.ts';

export interface OpenLoopOptions extends Address {
  readonly requestsPerSecond: number;
  readonly seconds: number;
  /** Most requests under way; what is due beyond waits for a free connection, at the clients' cost. */
  readonly connections: number;
  readonly request: (index: number) => Buffer;
  /** The status of the answer, of a refusal also how its body begins; or undefined when none came. */
  readonly settled: (index: number, status: number | undefined, refusal: string) => void;
}

export interface OpenLoopResult {
  readonly asked: number;
  /** Fewer than asked when the service stopped answering. */
  readonly sent: number;
  readonly byStatus: Readonly<Record<string, number>>;
  readonly unanswered: number;
  /** Of answered requests, from when they were due; ascending. */
  readonly latenciesMs: Float64Array;
  /** Of the generator, for each request; ascending. */
  readonly latenessMs: Float64Array;
}

/** A timer of one millisecond may come one late; more at the 99th percentile and the load is not constant. */
const latenessMsMax = 5;
const tickMs = 1;
/** How long answers are awaited after the last request came due. */
const patienceMs = 5_000;
const openPatienceMs = 5_000;
const reconnectMs = 10;

/** What `share` of all requests asked for were faster than; a request without an answer took for ever. */
export function latencyMs({ asked, latenciesMs }: OpenLoopResult, share: number): number {
  return latenciesMs[Math.ceil(asked * share) - 1] ?? Number.POSITIVE_INFINITY;
}

export function latenessMs({ asked, latenessMs: all }: OpenLoopResult, share: number): number {
  return all[Math.ceil(asked * share) - 1] ?? Number.POSITIVE_INFINITY;
}

export function isLate(result: OpenLoopResult): boolean {
  return latenessMs(result, 0.99) > latenessMsMax;
}

export async function runOpenLoop(options: OpenLoopOptions): Promise<OpenLoopResult> {
  const loop = new OpenLoop(options);
  try {
    await loop.open();
    return await loop.run();
  } finally {
    loop.close();
  }
}

class OpenLoop {
  readonly #options: OpenLoopOptions;
  readonly #total: number;
  readonly #connections = new Set<RawConnection>();
  readonly #free: RawConnection[] = [];
  readonly #latenciesMs: Float64Array;
  readonly #latenessMs: Float64Array;
  readonly #byStatus: Record<string, number> = {};
  #startMs = 0;
  /** Requests below it have come due, those below `sent` are on their way or done. */
  #due = 0;
  #sent = 0;
  #answered = 0;
  #unanswered = 0;
  #isClosed = false;

  constructor(options: OpenLoopOptions) {
    this.#options = options;
    this.#total = Math.round(options.requestsPerSecond * options.seconds);
    this.#latenciesMs = new Float64Array(this.#total);
    this.#latenessMs = new Float64Array(this.#total);
  }

  /** All connections exist before the first request, so that no latency holds a handshake. */
  async open(): Promise<void> {
    const { connections } = this.#options;
    for (let index = 0; index < connections; index += 1) this.#connect();
    const deadlineMs = performance.now() + openPatienceMs;
    while (this.#free.length < connections) {
      if (performance.now() > deadlineMs) throw new Error('the service takes too few connections');
      await delay(tickMs);
    }
  }

  async run(): Promise<OpenLoopResult> {
    this.#startMs = performance.now();
    const deadlineMs = this.#dueMs(this.#total) + patienceMs;
    while (this.#answered + this.#unanswered < this.#total && performance.now() < deadlineMs) {
      this.#tick();
      await delay(tickMs);
    }
    this.close();
    return {
      asked: this.#total,
      sent: this.#sent,
      byStatus: this.#byStatus,
      unanswered: this.#unanswered,
      latenciesMs: this.#latenciesMs.subarray(0, this.#answered).sort(),
      latenessMs: this.#latenessMs.sort(),
    };
  }

  /** Requests that are under way have no answer then. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const connection of this.#connections) {
      connection.destroy();
      if (connection.isBusy) this.#lose(connection);
    }
  }

  #connect(): void {
    const connection = new RawConnection(this.#options, {
      opened: (opened) => this.#isFree(opened),
      answered: (answered, status, refusal) => this.#answer(answered, status, refusal),
      lost: (lost) => this.#replace(lost),
    });
    this.#connections.add(connection);
  }

  #replace(lost: RawConnection): void {
    if (this.#isClosed) return;
    this.#connections.delete(lost);
    const at = this.#free.indexOf(lost);
    if (at >= 0) this.#free.splice(at, 1);
    if (lost.isBusy) this.#lose(lost);
    // Not at once: a service that refuses would be asked for nothing else.
    setTimeout(() => (this.#isClosed ? undefined : this.#connect()), reconnectMs);
  }

  #tick(): void {
    const nowMs = performance.now();
    while (this.#due < this.#total && this.#dueMs(this.#due) <= nowMs) {
      this.#latenessMs[this.#due] = nowMs - this.#dueMs(this.#due);
      this.#due += 1;
    }
    this.#sendDue();
  }

  #sendDue(): void {
    while (this.#sent < this.#due) {
      const connection = this.#free.pop();
      if (connection === undefined) return;
      connection.request = this.#sent;
      this.#sent += 1;
      connection.send(this.#options.request(connection.request));
    }
  }

  #isFree(connection: RawConnection): void {
    this.#free.push(connection);
    if (this.#sent < this.#due) this.#sendDue();
  }

  #answer(connection: RawConnection, status: number, refusal: string): void {
    this.#latenciesMs[this.#answered] = performance.now() - this.#dueMs(connection.request);
    this.#answered += 1;
    this.#byStatus[status] = (this.#byStatus[status] ?? 0) + 1;
    this.#options.settled(connection.request, status, refusal);
    this.#isFree(connection);
  }

  #lose(connection: RawConnection): void {
    this.#unanswered += 1;
    this.#options.settled(connection.request, undefined, '');
  }

  #dueMs(index: number): number {
    return this.#startMs + (index * 1_000) / this.#options.requestsPerSecond;
  }
}
