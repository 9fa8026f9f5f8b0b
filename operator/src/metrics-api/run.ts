/**
 * The life of the metrics API, from a configuration to an exit code.
 *
 * Order of the start: admin port, so that whoever waits can see what for; watches and certificates;
 * HTTPS as soon as there is a certificate; the APIService when HTTPS is served, since an APIService
 * that leads nowhere is an outage of discovery for the whole cluster. Order of the end: readiness, so
 * that nobody is sent here any more; a delay until that is known; answers in flight; connections; the
 * admin port. The APIService and the Secret stay: they are all replicas'.
 */
import { kinds } from '@millrace/crds';
import { exitCode } from '@millrace/kit/exit-code';
import { apiCallMetrics } from '../admin/api-call-metrics.ts';
import { openAdmin } from '../admin/open-admin.ts';
import { createHttpApi } from '../kube/http-api.ts';
import { Service, type ServiceOptions } from './service.ts';

export type RunOptions = Omit<ServiceOptions, 'api' | 'events' | 'kinds'>;

/** Runs until told to stop; the result is the exit code. */
export async function run(options: RunOptions, signal: AbortSignal): Promise<number> {
  const { config, connection, clock, log, metrics } = options;
  const events = apiCallMetrics(metrics);
  const api = createHttpApi({ connection, clock, events });
  const service = new Service({ ...options, api, events, kinds });
  await using admin = await openAdmin(config.admin, {
    metrics,
    readiness: () => service.readiness(),
  });
  log.info({ host: config.admin.host, port: admin.port }, 'admin port open');
  try {
    await service.run(signal);
  } finally {
    await api.close();
  }
  log.info({}, 'drained');
  return exitCode.finished;
}
