/**
 * The life of the operator process, from a configuration to an exit code.
 *
 * Order of the start: admin port, definitions, caches, Lease, work. The admin port is first so that
 * whoever waits can see what for; an API server that is away is waited for and never a crash.
 * Order of the end: passes in flight finish and their intents with them, then the Lease is released
 * so that a successor acts at once, then connections close, and the admin port is last. A lost Lease
 * ends the process without any of that: the fence has stopped its writes, and what it knows is in
 * the API.
 */
import { kinds } from '@millrace/crds';
import { exitCode } from '@millrace/kit/exit-code';
import { apiCallMetrics } from './admin/api-call-metrics.ts';
import { openAdmin } from './admin/open-admin.ts';
import { definitionsServed } from './admin/definitions.ts';
import { watchEventLoop } from './admin/event-loop.ts';
import { phase, type Phase } from './admin/phase.ts';
import type { Config } from './config.ts';
import { election, type Election } from './election.ts';
import { createHttpApi, type HttpKubeApi } from './kube/http-api.ts';
import { createTelemetry, type OperatorTelemetry } from './machinery/telemetry.ts';
import { startOperator, type OperatorConfig } from './operator.ts';
import type { Surroundings } from './process/program.ts';

export type RunOptions = Surroundings<Config>;

/** A supervisor starts the process again, as a standby. */
const leadershipLostCode = 1;

interface Parts extends RunOptions {
  readonly api: HttpKubeApi;
  readonly telemetry: OperatorTelemetry;
  readonly life: Phase;
  readonly candidacy: Election;
}

/** Runs until told to stop or no longer allowed to act; the result is the exit code. */
export async function run(options: RunOptions, signal: AbortSignal): Promise<number> {
  const { config, log, metrics } = options;
  const telemetry = createTelemetry(log, metrics);
  const candidacy = election(options);
  const life = phase({ caches: telemetry, leaseProblem: () => candidacy.problem() });
  using eventLoop = watchEventLoop();
  await using admin = await openAdmin(config.admin, {
    metrics,
    readiness: () => life.readiness(),
    liveness: () => eventLoop.problem(),
  });
  log.info({ host: config.admin.host, port: admin.port }, 'admin port open');
  const api = createHttpApi({
    connection: options.connection,
    clock: options.clock,
    events: apiCallMetrics(metrics),
  });
  const code = await operate({ ...options, api, telemetry, life, candidacy }, signal);
  await api.close();
  return code;
}

async function operate(parts: Parts, signal: AbortSignal): Promise<number> {
  const { candidacy, life, log } = parts;
  await definitionsServed({
    ...parts,
    kinds,
    namespace: parts.config.namespaces[0] ?? 'default',
    onWaiting: (why) => life.starting(why),
    signal,
  });
  if (signal.aborted) return exitCode.finished;
  life.starting('The caches are being filled.');
  const stopped = aborted(signal);
  const starting = startOperator({
    ...parts,
    config: operatorConfig(parts.config),
    lead: async (whileWanted) => {
      life.standby();
      log.info({}, 'caches filled, standing by');
      const leadership = await candidacy.campaign(whileWanted);
      life.leading();
      return leadership;
    },
  });
  const operator = await Promise.race([starting, stopped]);
  // Caches that were never filled have led to nothing that would have to be finished.
  if (operator === undefined) return exitCode.finished;
  const end = await Promise.race([operator.lost.then(() => 'lost' as const), stopped]);
  if (end === 'lost') return leadershipLostCode;
  life.draining();
  await operator.stop();
  await candidacy.release();
  log.info({}, 'drained');
  return exitCode.finished;
}

async function aborted(signal: AbortSignal): Promise<undefined> {
  if (signal.aborted) return;
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}

function operatorConfig(config: Config): OperatorConfig {
  const { runtimeImage, namespaces, statusIntervalMs, polls, keda } = config;
  const { metricsUrl: url, authentication } = keda;
  return {
    runtimeImage,
    namespaces,
    statusIntervalMs,
    pollLimits: polls,
    ...(url === '' ? {} : { keda: { url, authentication } }),
  };
}
