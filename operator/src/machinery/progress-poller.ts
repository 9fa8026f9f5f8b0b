/**
 * Asks one pod per resource how far it is.
 *
 * The answer is a hint: the operator works without it, and a pod that does not answer is asked less
 * often and never taken for dead. Bounded everywhere: requests per second over all resources,
 * requests in flight, time and size of each answer. The period adapts: pods with news are asked twice
 * a second, and those without as often as half of the rate allows for as many as there are, since how
 * soon workers are added depends on how soon a backlog is seen. An answer that differs from the last
 * wakes its key.
 */
import type { Clock } from '@millrace/kit/clock';
import type { PollResult } from './telemetry.ts';

export interface PollTarget {
  /** The pod's uid: an answer of an earlier pod is not mistaken for one of this. */
  readonly id: string;
  readonly url: string;
  /** Of a pod that hardly ever has news: the period without any, in which no other pod waits for it. */
  readonly restMs?: number;
}

export interface PollLimits {
  readonly perSecond: number;
  readonly inFlight: number;
  readonly periodMinMs: number;
  /** Of pods without news, however few: each answer costs them a look at backends. */
  readonly quietPeriodMinMs: number;
  /** Of pods that do not answer, and of those without news where there are many. */
  readonly periodMaxMs: number;
  readonly timeoutMs: number;
}

/** Of the rate, what is left to pods without news. */
const quietShare = 0.5;

export const defaultPollLimits: PollLimits = {
  perSecond: 50,
  inFlight: 16,
  periodMinMs: 500,
  quietPeriodMinMs: 1_000,
  periodMaxMs: 10_000,
  timeoutMs: 3_000,
};

export interface ProgressPollerOptions<T> {
  readonly clock: Clock;
  readonly fetch: typeof fetch;
  /** The answer if it is one, else undefined. */
  readonly parse: (body: unknown) => T | undefined;
  readonly onChange: (key: string) => void;
  readonly onPolled: (result: PollResult) => void;
  readonly limits: PollLimits;
}

/** An answer, and when it was asked for on the monotonic clock: what it says was so later than that. */
export interface Heard<T> {
  readonly value: T;
  readonly askedAt: number;
}

interface Entry<T> {
  readonly target: PollTarget;
  dueAt: number;
  periodMs: number;
  isInFlight: boolean;
  text: string | undefined;
  value: T | undefined;
  /** When the last answer was asked for, whether or not it differed. */
  askedAt: number;
  /** Somebody waits for an answer that is yet to be asked for. */
  isWanted: boolean;
}

/** Ten times the largest report; more is not a report. */
const bodyBytesMax = 64 * 1_024;

export class ProgressPoller<T> {
  #options: ProgressPollerOptions<T>;
  #entries = new Map<string, Entry<T>>();
  #inFlight = new Set<Promise<void>>();
  #startedAt = Number.NEGATIVE_INFINITY;
  #wake = new AbortController();

  constructor(options: ProgressPollerOptions<T>) {
    this.#options = options;
  }

  /** Asks this pod from now on; nothing changes if it is asked already. */
  track(key: string, target: PollTarget): void {
    const held = this.#entries.get(key);
    if (held?.target.id === target.id && held.target.url === target.url) return;
    this.#entries.set(key, {
      target,
      dueAt: this.#options.clock.monotonic(),
      periodMs: this.#options.limits.periodMinMs,
      isInFlight: false,
      text: undefined,
      value: held?.target.id === target.id ? held.value : undefined,
      askedAt: held?.askedAt ?? Number.NEGATIVE_INFINITY,
      isWanted: held?.isWanted ?? false,
    });
    this.#wake.abort();
  }

  forget(key: string): void {
    this.#entries.delete(key);
  }

  /** The last answer of this very pod, if it is the one that is asked. */
  latest(key: string, id: string): T | undefined {
    const entry = this.#entries.get(key);
    return entry?.target.id === id ? entry.value : undefined;
  }

  /** The last answer of what is asked under this id, with the time that it was asked for. */
  heard(key: string, id: string): Heard<T> | undefined {
    const entry = this.#entries.get(key);
    if (entry?.target.id !== id || entry.value === undefined) return undefined;
    return { value: entry.value, askedAt: entry.askedAt };
  }

  /**
   * Wakes the key with an answer that is asked for from now on, even if it says nothing new. Whoever
   * asks again and again has one answer in the shortest period.
   */
  ask(key: string): void {
    const { clock, limits } = this.#options;
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.isWanted) return;
    entry.isWanted = true;
    const soonest = Math.max(clock.monotonic(), entry.askedAt + limits.periodMinMs);
    entry.dueAt = Math.min(entry.dueAt, soonest);
    this.#wake.abort();
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const waitMs = this.#startDue(signal);
      this.#wake = new AbortController();
      await this.#options.clock.sleep(waitMs, AbortSignal.any([signal, this.#wake.signal]));
    }
    await Promise.all(this.#inFlight);
  }

  /** Starts what is due and allowed; returns how long nothing else will be. */
  #startDue(signal: AbortSignal): number {
    const { clock, limits } = this.#options;
    const spacingMs = 1_000 / limits.perSecond;
    const entries = [...this.#entries].filter(([, entry]) => !entry.isInFlight);
    for (const [key, entry] of entries.toSorted(([, a], [, b]) => a.dueAt - b.dueAt)) {
      // A finished request wakes the loop, so there is nothing to count down to here.
      if (this.#inFlight.size >= limits.inFlight) return limits.periodMaxMs;
      const now = clock.monotonic();
      const waitMs = Math.max(entry.dueAt, this.#startedAt + spacingMs) - now;
      if (waitMs > 0) return waitMs;
      this.#startedAt = now;
      this.#start(key, entry, signal);
    }
    return limits.periodMaxMs;
  }

  #start(key: string, entry: Entry<T>, signal: AbortSignal): void {
    entry.isInFlight = true;
    const poll = this.#poll(key, entry, signal).finally(() => {
      entry.isInFlight = false;
      this.#inFlight.delete(poll);
      this.#wake.abort();
    });
    this.#inFlight.add(poll);
  }

  async #poll(key: string, entry: Entry<T>, signal: AbortSignal): Promise<void> {
    const { clock, onChange, onPolled, parse } = this.#options;
    const askedAt = clock.monotonic();
    const wasWanted = entry.isWanted;
    entry.isWanted = false;
    const text = await this.#request(entry.target.url, signal);
    const value = text === undefined ? undefined : parse(parseJson(text));
    const isChanged = value !== undefined && text !== entry.text;
    if (value === undefined) entry.isWanted ||= wasWanted;
    else Object.assign(entry, { text, value, askedAt });
    this.#plan(entry, { isChanged, hasAnswered: text !== undefined });
    onPolled(resultOf(text, { isValid: value !== undefined, isChanged }));
    const isNews = isChanged || (wasWanted && value !== undefined);
    if (isNews && this.#entries.get(key) === entry && !signal.aborted) onChange(key);
  }

  /** When it is asked again. */
  #plan(
    entry: Entry<T>,
    { isChanged, hasAnswered }: { readonly isChanged: boolean; readonly hasAnswered: boolean },
  ): void {
    const { clock, limits } = this.#options;
    const isUrgent = isChanged || (entry.isWanted && hasAnswered);
    const { restMs = 0 } = entry.target;
    const longestMs = Math.max(restMs, hasAnswered ? this.#quietPeriodMs() : limits.periodMaxMs);
    const quietMs = Math.min(Math.max(entry.periodMs * 2, restMs), longestMs);
    entry.periodMs = isUrgent ? limits.periodMinMs : quietMs;
    entry.dueAt = clock.monotonic() + entry.periodMs;
  }

  /** As often as the rate allows for all that are asked. */
  #quietPeriodMs(): number {
    const { perSecond, periodMinMs, quietPeriodMinMs, periodMaxMs } = this.#options.limits;
    const awake = [...this.#entries.values()].filter(({ target }) => target.restMs === undefined);
    const allMs = (awake.length * 1_000) / (perSecond * quietShare);
    return Math.min(periodMaxMs, Math.max(periodMinMs, quietPeriodMinMs, allMs));
  }

  /** The body, or undefined for every way in which there is none: they mean the same here. */
  async #request(url: string, signal: AbortSignal): Promise<string | undefined> {
    const end = new AbortController();
    const timeout = this.#options.clock
      .sleep(this.#options.limits.timeoutMs, end.signal)
      .then(() => end.abort());
    try {
      const response = await this.#options.fetch(url, {
        redirect: 'error',
        signal: AbortSignal.any([signal, end.signal]),
      });
      if (response.ok) return await readBounded(response);
      await response.body?.cancel();
      return undefined;
    } catch {
      return undefined;
    } finally {
      end.abort();
      await timeout;
    }
  }
}

async function readBounded(response: Response): Promise<string | undefined> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of response.body ?? []) {
    bytes += part.byteLength;
    // Leaving the loop cancels the body and with it the connection.
    if (bytes > bodyBytesMax) return undefined;
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function resultOf(
  text: string | undefined,
  answer: { readonly isValid: boolean; readonly isChanged: boolean },
): PollResult {
  if (text === undefined) return 'failed';
  if (!answer.isValid) return 'invalid';
  return answer.isChanged ? 'changed' : 'unchanged';
}
