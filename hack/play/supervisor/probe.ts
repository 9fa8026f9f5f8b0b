/**
 * HTTP probes as a kubelet makes them: 200 to 399 within the timeout is a success, so many failures
 * in a row are a verdict. Until the first success it is asked often: people wait for that.
 */
import type { Clock } from '@millrace/kit/clock';
import type { Container, Probe } from '../controllers/workload.ts';
import { loopback } from './local-container.ts';

export async function isProbeOk(container: Container, probe: Probe): Promise<boolean> {
  const { httpGet } = probe;
  if (httpGet === undefined) return true;
  const port =
    typeof httpGet.port === 'number'
      ? httpGet.port
      : container.ports?.find((candidate) => candidate.name === httpGet.port)?.containerPort;
  if (port === undefined) return false;
  try {
    const response = await fetch(`http://${loopback}:${String(port)}${httpGet.path ?? '/'}`, {
      signal: AbortSignal.timeout((probe.timeoutSeconds ?? 1) * 1_000),
      redirect: 'manual',
    });
    await response.body?.cancel();
    return response.status >= 200 && response.status < 400;
  } catch {
    return false;
  }
}

const firstProbeMs = 100;

export interface ProbeLoop {
  readonly container: Container;
  readonly probe: Probe;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  passed(): Promise<void>;
  /** The failure threshold was reached, and again at each failure after it. */
  failed(): Promise<void>;
}

export async function runProbe(loop: ProbeLoop): Promise<void> {
  const { container, probe, clock, signal } = loop;
  const periodMs = (probe.periodSeconds ?? 10) * 1_000;
  let hasPassed = false;
  for (let misses = 0; !signal.aborted;) {
    await clock.sleep(hasPassed ? periodMs : Math.min(firstProbeMs, periodMs), signal);
    if (signal.aborted) return;
    const isOk = await isProbeOk(container, probe);
    if (signal.aborted) return;
    hasPassed ||= isOk;
    misses = isOk ? 0 : misses + 1;
    if (isOk) await loop.passed();
    else if (misses >= (probe.failureThreshold ?? 3)) await loop.failed();
  }
}
