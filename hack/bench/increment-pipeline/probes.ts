/**
 * Freshness as a user sees it: increments of keys that nobody else uses go in one by one, and the
 * table is asked until each of them is there. Counted from before the request is sent, so that an
 * answer that is slow in coming is in it too. Beside it, the gauge that the pipeline itself reports.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Pool } from 'pg';
import type { IncrementPipelineProgress } from '@millrace/crds/increment-pipeline';
import { sqlIdentifier } from '@millrace/runtimes/connectors/postgres/identifier';
import type { Account } from './account.ts';
import type { RolePod } from './pipeline.ts';

export interface Probe {
  readonly sentMs: number;
  /** Undefined if it never came. */
  seenMs?: number;
}

/** When Postgres could not be written. */
export interface Window {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface Probes {
  /** Sends no more, and waits for those that were accepted. */
  stop(): Promise<ProbeResult>;
}

export interface ProbeResult {
  /** Those answered with 200. */
  readonly probes: readonly Probe[];
  readonly refused: number;
  /** Of the pipeline's own gauge, as it was looked at; ascending, in ms. */
  readonly gaugeMs: Float64Array;
}

export interface ProbeOptions {
  readonly gateway: RolePod;
  readonly owner: Pool;
  readonly table: string;
  readonly account: Account;
}

const probesPerSecond = 20;
const tableLookMs = 20;
const gaugeLookMs = 200;
const requestTimeoutMs = 10_000;
/** Far beyond the bar: what is not there by then is lost. */
const patienceMs = 60_000;

export function startProbes(options: ProbeOptions): Probes {
  const stop = new AbortController();
  const waiting = new Map<string, Probe>();
  const probes: Probe[] = [];
  const gauge: number[] = [];
  const state = { refused: 0, isSending: true };
  const sending = send(options, { stop: stop.signal, waiting, probes, state });
  const looking = look(options, { waiting, state });
  const gauging = readGauge(options.gateway, gauge, stop.signal);
  return {
    stop: async () => {
      stop.abort();
      await sending;
      state.isSending = false;
      await Promise.all([looking, gauging]);
      return { probes, refused: state.refused, gaugeMs: Float64Array.from(gauge).sort() };
    },
  };
}

interface State {
  refused: number;
  isSending: boolean;
}

interface Sending {
  readonly stop: AbortSignal;
  readonly waiting: Map<string, Probe>;
  readonly probes: Probe[];
  readonly state: State;
}

async function send(
  options: ProbeOptions,
  { stop, waiting, probes, state }: Sending,
): Promise<void> {
  const { gateway, account } = options;
  const url = `http://${gateway.host}:${String(gateway.port)}/increment`;
  const underWay = new Set<Promise<void>>();
  const one = async (): Promise<void> => {
    const key = randomUUID();
    const probe: Probe = { sentMs: performance.now() };
    const status = await post(url, key);
    const isAccepted = status === 200;
    if (isAccepted) {
      probes.push(probe);
      waiting.set(key, probe);
    } else state.refused += 1;
    account.addKey(key, 1, { times: isAccepted ? 1 : 0, doubted: isAccepted ? 0 : 1 });
  };
  const startMs = performance.now();
  for (let index = 0; !stop.aborted; index += 1) {
    const request = one();
    underWay.add(request);
    void request.then(() => underWay.delete(request));
    const dueMs = startMs + ((index + 1) * 1_000) / probesPerSecond;
    await delay(Math.max(0, dueMs - performance.now()), undefined, { signal: stop }).catch(
      () => undefined,
    );
  }
  await Promise.all(underWay);
}

async function post(url: string, key: string): Promise<number> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: `{"key":"${key}","value":1}`,
      signal: AbortSignal.timeout(requestTimeoutMs),
    });
    await response.body?.cancel();
    return response.status;
  } catch {
    return 0;
  }
}

async function look(
  { owner, table }: ProbeOptions,
  { waiting, state }: Pick<Sending, 'waiting' | 'state'>,
): Promise<void> {
  const sql = `SELECT key::text FROM ${sqlIdentifier(table)} WHERE key = ANY($1::uuid[])`;
  let lastMs = performance.now();
  while (state.isSending || waiting.size > 0) {
    if (state.isSending) lastMs = performance.now();
    else if (performance.now() - lastMs > patienceMs) return;
    await delay(tableLookMs);
    if (waiting.size === 0) continue;
    // Postgres may be away: that is what some measurements are about.
    const found = await owner
      .query<{ key: string }>(sql, [[...waiting.keys()]])
      .catch(() => undefined);
    const seenMs = performance.now();
    for (const { key } of found?.rows ?? []) {
      const probe = waiting.get(key);
      if (probe !== undefined) probe.seenMs = seenMs;
      waiting.delete(key);
    }
  }
}

async function readGauge({ adminUrl }: RolePod, gauge: number[], stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    try {
      const response = await fetch(`${adminUrl}/progress`, { signal: AbortSignal.timeout(2_000) });
      const progress = (await response.json()) as IncrementPipelineProgress;
      if (response.ok) gauge.push(progress.stalenessMs);
    } catch {
      // The look at the ledger fails while Postgres is away.
    }
    await delay(gaugeLookMs, undefined, { signal: stop }).catch(() => undefined);
  }
}

/** From when it was sent; or from when Postgres was back, for those whose time lies in the window. */
export function ageMs(
  { sentMs, seenMs = Number.POSITIVE_INFINITY }: Probe,
  window: Window | undefined,
): number {
  if (window === undefined || sentMs > window.toMs || seenMs < window.fromMs)
    return seenMs - sentMs;
  const excusedMs = window.toMs - Math.max(sentMs, window.fromMs);
  return seenMs - sentMs - excusedMs;
}
