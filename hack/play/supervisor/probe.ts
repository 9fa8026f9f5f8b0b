/** An HTTP probe as a kubelet makes it: 200 to 399 within the timeout is a success. */
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
