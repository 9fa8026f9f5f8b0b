/** The connection itself: how many a thousand calls need, and how long a frozen one goes unnoticed. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '@millrace/kit/clock';
import { loadConnection } from '@millrace/operator/kube/connection';
import { createHttpApi, type HttpKubeApi } from '@millrace/operator/kube/http-api';
import { secrets } from '@millrace/operator/machinery/workload/resource-types';
import { spreadOf } from '../statistics.ts';
import type { Result } from '../result.ts';
import type { Bench } from './bench.ts';
import { namespace } from './imports.ts';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts';

const sequentialCalls = 1_000;
const connectionsMax = 2;
const recoveredWithinSecondsMax = 10;
const ref = { namespace, name: 'millrace-backends' };

export async function measureTransport(bench: Bench): Promise<readonly Result[]> {
  const counted = await throughProxy(bench, async (api, proxy) => {
    const beganAt = performance.now();
    for (let call = 0; call < sequentialCalls; call++) await api.get(secrets, ref);
    return { connections: proxy.connections, ms: performance.now() - beganAt };
  });
  const recoveries: number[] = [];
  for (let run = 0; run < bench.options.runs; run++) {
    recoveries.push(await throughProxy(bench, recoverySeconds));
    bench.log(`recovered after ${recoveries.at(-1)?.toFixed(1) ?? ''} s`);
  }
  const recovery = spreadOf(recoveries);
  return [
    {
      what: `connections for ${String(sequentialCalls)} sequential calls`,
      measured: `${String(counted.connections)} (${(counted.ms / sequentialCalls).toFixed(2)} ms a call)`,
      bar: '≤ 2',
      met: counted.connections <= connectionsMax,
    },
    {
      what: 'a connection that freezes: a call succeeds again after',
      measured: `${recovery.median.toFixed(1)} s (${recovery.min.toFixed(1)}–${recovery.max.toFixed(1)})`,
      bar: '< 10 s',
      met: recovery.median < recoveredWithinSecondsMax,
    },
  ];
}

/** As the work queue does: a call that failed is made again. */
async function recoverySeconds(api: HttpKubeApi, proxy: TcpProxy): Promise<number> {
  // Several connections are open and idle, as in an operator that has just worked.
  await Promise.all(Array.from({ length: 8 }, () => api.get(secrets, ref)));
  proxy.freeze();
  const beganAt = performance.now();
  for (;;) {
    try {
      await api.get(secrets, ref);
      return (performance.now() - beganAt) / 1_000;
    } catch {
      await systemClock.sleep(100);
    }
  }
}

async function throughProxy<T>(
  { controlPlane, folder }: Bench,
  work: (api: HttpKubeApi, proxy: TcpProxy) => Promise<T>,
): Promise<T> {
  using proxy = await startTcpProxy(new URL(controlPlane.server));
  const kubeconfig = join(folder, 'proxy.kubeconfig');
  const text = await readFile(controlPlane.kubeconfig, 'utf8');
  const server = `https://127.0.0.1:${String(proxy.port)}`;
  await writeFile(kubeconfig, text.replaceAll(controlPlane.server, server), { mode: 0o600 });
  const connection = await loadConnection({ kubeconfig, env: {} });
  const api = createHttpApi({ connection, clock: systemClock });
  try {
    return await work(api, proxy);
  } finally {
    await api.close();
  }
}
