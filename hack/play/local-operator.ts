/** The operator in this process, at work on a local cluster as it would be on a real one. */
import { openSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '@millrace/kit/clock';
import { createLog } from '@millrace/kit/log';
import { createMetrics } from '@millrace/kit/metrics';
import type { KubeApi, KubeObject } from '@millrace/operator/machinery/kube-api';
import { startOperator, type Operator } from '@millrace/operator/operator';
import { asPod } from './controllers/workload.ts';
import { loopback } from './supervisor/local-container.ts';
import { boundLog } from './supervisor/process.ts';

export interface LocalOperatorOptions {
  readonly api: KubeApi;
  /** Where its log goes, beside those of the pods. */
  readonly root: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** A status that is half a second old is fresh enough to look at, and cheap in memory. */
const statusIntervalMs = 250;
const logBytesMax = 8 * 1_024 * 1_024;

export async function startLocalOperator(options: LocalOperatorOptions): Promise<Operator> {
  const file = join(options.root, 'operator.log');
  await boundLog(file, logBytesMax);
  const level = options.env['LOG_LEVEL'] ?? 'info';
  return startOperator({
    api: options.api,
    clock: systemClock,
    log: createLog({ level, bindings: { role: 'operator' }, fd: openSync(file, 'a', 0o600) }),
    metrics: createMetrics({ role: 'operator' }),
    config: {
      runtimeImage: 'millrace-runtimes',
      namespaces: [],
      statusIntervalMs,
      pollLimits: { periodMinMs: 250, periodMaxMs: 1_000 },
    },
    podAddress: adminAddress,
  });
}

function adminAddress(pod: KubeObject) {
  const port = asPod(pod)
    .spec.containers.flatMap((container) => container.ports ?? [])
    .find((candidate) => candidate.name === 'admin')?.containerPort;
  return port === undefined ? undefined : { host: loopback, port };
}
