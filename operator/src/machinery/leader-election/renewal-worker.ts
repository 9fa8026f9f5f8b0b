/**
 * Entry of the thread that campaigns for the Lease and renews it, on a connection of its own.
 *
 * A thread, because a main thread that is busy for ten seconds must neither lose the Lease for that
 * nor hold it for longer: renewals go on through a short stall, and at a long one this thread
 * gives the Lease up and ends the process, which could otherwise wake up and write. It shares no
 * socket, no queue and no garbage collection with the main thread.
 */
import { writeSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { Fault } from '@millrace/kit/fault';
import { createHttpApi } from '../../kube/http-api.ts';
import { attemptMs, Candidate } from './candidate.ts';
import { leasePort } from './lease.ts';
import { releaseRequest, type RenewalOrder, type RenewalReport } from './renewal-messages.ts';
import { processClock as clock, SharedLease } from './shared-lease.ts';
import { StallWatch } from './stall-watch.ts';

const standardError = 2;

if (parentPort === null) throw new Fault('the renewal worker is started as a thread');
const port = parentPort;
const order = workerData as RenewalOrder;
const { timings, namespace, name, identity } = order;
const shared = new SharedLease(order.shared);
const stop = new AbortController();
const api = createHttpApi({
  connection: order.connection,
  clock,
  // One attempt a call: the protocol repeats, and a retry below it would only use its time up.
  limits: {
    connectMs: attemptMs(timings),
    attemptMs: attemptMs(timings),
    callMs: attemptMs(timings),
    idleMs: attemptMs(timings),
    attemptsMax: 1,
    connectionsMax: 2,
  },
});
const periodMs = timings.retryPeriodMs / 2;
const watch = new StallWatch({ turnedAt: shared.turnedAt, now: clock.monotonic(), periodMs });
let stalledMs = 0;
const candidate = new Candidate({
  port: leasePort(api, { namespace, name }),
  clock,
  identity,
  timings,
  onValidity: (validity) => shared.allow(validity),
  onFailure: (failure) => report({ type: 'failed', why: messageOf(failure) }),
  isFit: () => stalledMs < timings.retryPeriodMs,
});

function messageOf(failure: unknown): string {
  return failure instanceof Error ? failure.message : String(failure);
}

function report(message: RenewalReport): void {
  port.postMessage(message);
}

async function lead(): Promise<void> {
  const epoch = await candidate.campaign(stop.signal);
  if (epoch === undefined) return;
  report({ type: 'leading', epoch });
  const why = await candidate.keep(stop.signal);
  if (why !== undefined) report({ type: 'lost', why });
}

async function letGo(): Promise<void> {
  stop.abort();
  await leading;
  await candidate.release();
}

async function release(): Promise<void> {
  await letGo();
  report({ type: 'released' });
  await api.close();
  port.close();
}

/** Gives the Lease up, unless that takes too long, and ends the process whose main thread cannot. */
async function endStalledProcess(): Promise<void> {
  const seconds = timings.renewDeadlineMs / 1_000;
  const line = { level: 'fatal', msg: 'the event loop stood still, ending the process', seconds };
  // The log belongs to the main thread; this is all that can still be said.
  writeSync(standardError, `${JSON.stringify(line)}\n`);
  await Promise.race([letGo(), clock.sleep(2 * attemptMs(timings))]);
  process.kill(process.pid, 'SIGKILL');
}

async function guard(): Promise<void> {
  while (!stop.signal.aborted) {
    await clock.sleep(periodMs, stop.signal);
    stalledMs = watch.look(shared.turnedAt, clock.monotonic());
    // Without the Lease a stalled process harms nobody, and whoever probes it will restart it.
    if (stalledMs < timings.renewDeadlineMs || shared.isExpired(clock)) continue;
    await endStalledProcess();
  }
}

const leading = lead();
port.on('message', (message) => {
  if (message === releaseRequest) void release();
});
await Promise.all([leading, guard()]);
