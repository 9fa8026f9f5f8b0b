/**
 * Whether increments may be appended at the moment, and if not, why.
 *
 * States: doubtful → checked → doubtful …. Every new connection and every append that failed is a
 * doubt. A check reads the settings of Redis and compares its streams with the ledger; the gate opens
 * when one succeeds that began after the last doubt. It stays open while checks cannot be made
 * because Postgres is away: until the budget is full, nothing needs it. A setting that turns out
 * wrong closes it at once. Checks go on every second for as long as `run` does. Through an open gate no
 * more is let than the workers commit in time (see pace.ts); that says nothing against the gateway.
 */
import type { Clock } from '@millrace/kit/clock';
import { Failure } from '@millrace/kit/failure';
import { transient, translate } from '../../connectors/redis/failures.ts';
import type { RedisLink } from '../../connectors/redis/link.ts';
import type { Budget } from './budget.ts';
import { checkDurability, type DurabilityQuestion, type DurabilityState } from './durability.ts';
import { isCertain, refusal } from './failures.ts';
import type { Flow, Incarnations, Look } from './incarnations.ts';
import type { Pace } from './pace.ts';
import { askScript } from './scripts.ts';

export interface GateStatus {
  /** Whether an append would be taken. */
  readonly ready: boolean;
  readonly durability: DurabilityState;
  /** Why not, as a code and for people. */
  readonly reason?: string;
  readonly message?: string;
}

export interface GateOptions {
  readonly link: RedisLink;
  readonly durability: DurabilityQuestion;
  readonly incarnations: Incarnations;
  readonly budget: Budget;
  readonly pace: Pace;
  readonly clock: Clock;
  durabilityChanged(it: { readonly ok: boolean; readonly reason: string | undefined }): void;
}

const checkIntervalMs = 1_000;
/** While it is closed, people and requests wait for it. */
const checkAgainMs = 100;
/** When a full budget may have room again: after the next commit of the workers. */
const fullRetryMs = 2_000;
const notRead: DurabilityState = { ok: false, message: 'The settings of Redis are not read yet.' };
const full = refusal('StreamsFull', { retryAfterMs: fullRetryMs });
const backlogged = refusal('Backlogged', { retryAfterMs: 1_000 });

export class Gate {
  readonly #options: GateOptions;
  #durability = notRead;
  #doubts = 1;
  /** How many doubts there were when the last check that succeeded began. */
  #checked = 0;
  // Made when something changes, not for each of the thousands that are refused meanwhile.
  #unchecked: Failure = refusal('StreamsUnchecked');
  #absent: Failure = transient('NotConnected', 'Appending');
  #unmet: Failure = refusal('DurabilityNotMet');
  #oldestUncommittedMs = 0;
  #wake = new AbortController();

  constructor(options: GateOptions) {
    this.#options = options;
  }

  /** Nothing is older that is not committed; 0 until that is known. */
  get oldestUncommittedMs(): number {
    return this.#oldestUncommittedMs;
  }

  /** Closes the gate until a check that begins later has succeeded. */
  doubt(): void {
    this.#doubts += 1;
    this.#wake.abort();
  }

  refused(): Failure | undefined {
    const { pace, clock } = this.#options;
    return this.#closed() ?? (pace.waitMs(clock.monotonic()) > 0 ? backlogged : undefined);
  }

  #closed(): Failure | undefined {
    const { link, budget } = this.#options;
    if (!link.isReady()) return this.#notConnected(link.failure());
    if (!this.#durability.ok) return this.#unmet;
    if (this.#checked !== this.#doubts) return this.#unchecked;
    return budget.isFull ? full : undefined;
  }

  status(): GateStatus {
    const durability = this.#durability;
    const refused = this.#closed();
    if (refused === undefined) return { ready: true, durability };
    const cause = refused.cause instanceof Failure ? refused.cause : refused;
    return { ready: false, durability, reason: cause.code, message: cause.message };
  }

  async run(signal: AbortSignal): Promise<void> {
    const { link, clock } = this.#options;
    while (!signal.aborted) {
      this.#wake = new AbortController();
      const startedMs = clock.monotonic();
      if (link.isReady()) await this.#check();
      const isOpen = this.#checked === this.#doubts;
      const either = AbortSignal.any([signal, this.#wake.signal]);
      await clock.sleep(isOpen ? checkIntervalMs : checkAgainMs, either);
      // Doubts may come with every append; checks must not.
      const restMs = checkAgainMs - (clock.monotonic() - startedMs);
      if (restMs > 0) await clock.sleep(restMs, signal);
    }
  }

  #notConnected(cause: Failure | undefined): Failure {
    if (this.#absent.cause !== cause) this.#absent = transient('NotConnected', 'Appending', cause);
    return this.#absent;
  }

  async #check(): Promise<void> {
    const doubts = this.#doubts;
    try {
      await this.#readDurability();
      if (!this.#durability.ok) return;
      await this.#askForWrites();
      const look = await this.#options.incarnations.look();
      await this.#noteLook(look, doubts);
    } catch (error) {
      this.#options.pace.lost();
      // What Redis itself refuses is told as it is; it is as certain that nothing was appended.
      this.#unchecked = isCertain(error)
        ? translate(error, 'Appending')
        : refusal('StreamsUnchecked', { cause: translate(error, 'Checking the streams') });
    }
  }

  async #readDurability(): Promise<void> {
    const { link, durability: question } = this.#options;
    const before = this.#durability;
    const now = await checkDurability(link, question);
    if (now.ok === before.ok && now.message === before.message) return;
    this.#durability = now;
    if (!now.ok) {
      const detail = now.message === undefined ? {} : { detail: now.message };
      this.#unmet = refusal('DurabilityNotMet', detail);
    }
    this.#options.durabilityChanged({ ok: now.ok, reason: now.message });
  }

  /** A server that is full, read-only or short of replicas is not asked by each append anew. */
  async #askForWrites(): Promise<void> {
    try {
      await this.#options.link.script('Asking whether Redis takes writes', askScript, {
        keys: [],
        args: [],
      });
    } catch (error) {
      if (isCertain(error) && this.#checked === this.#doubts) this.#doubts += 1;
      throw error;
    }
  }

  async #noteLook(look: Look, doubts: number): Promise<void> {
    const nowMs = await redisTimeMs(this.#options.link);
    this.#oldestUncommittedMs = look.oldestMs ?? nowMs;
    this.#notePace(look.flow, nowMs);
    if (look.isSound) {
      this.#checked = doubts;
      return;
    }
    // Whatever was found, appends to these streams would be refused: look again.
    if (this.#checked === this.#doubts) this.#doubts += 1;
    const detail = look.waitsForWorkers
      ? 'Redis was set back; the workers commit what is left before the streams begin anew.'
      : 'streams begin anew.';
    this.#unchecked = refusal('StreamsUnchecked', { detail });
  }

  #notePace({ oldestMovedMs, workers, ...flow }: Flow, nowMs: number): void {
    const { pace, clock } = this.#options;
    const oldestAgeMs = Math.max(0, nowMs - (oldestMovedMs ?? nowMs));
    // Without workers nothing is known of their speed: then the budget alone decides.
    if (workers === 0) pace.lost();
    else pace.looked({ ...flow, oldestAgeMs, atMs: clock.monotonic() });
  }
}

async function redisTimeMs(link: RedisLink): Promise<number> {
  const reply = await link.call('Reading the clock of Redis', ['TIME']);
  const [seconds, micros]: readonly unknown[] = Array.isArray(reply) ? reply : [];
  return Number(seconds) * 1_000 + Math.trunc(Number(micros) / 1_000);
}
