/** Wires the gateway: its connections, what it prepares, and both of its ports. */
import type { IncrementPipelinePodConfig } from '@millrace/crds/increment-pipeline';
import { systemClock } from '@millrace/kit/clock';
import { exitCode } from '@millrace/kit/exit-code';
import { startAdmin } from '@millrace/kit/health';
import { Transient } from '@millrace/kit/transient';
import type { ProcessContext, RoleSource } from '../../runtime.ts';
import { connections, workingRole, type Connections } from '../connections.ts';
import { createLook } from '../look/look.ts';
import { preparePipeline } from '../setup/prepare.ts';
import { openAppender } from '../stream/appender.ts';
import { incrementPipelineTelemetry, type IncrementTelemetry } from '../telemetry.ts';
import { gatewayConnectionsMax, startGateway, type Gateway } from './gateway.ts';

/** Preparing needs one, and takes it only when the process starts. */
const ownerConnectionsMax = 1;

export async function runGatewayRole(
  config: IncrementPipelinePodConfig,
  { log, metrics, env }: ProcessContext & Pick<RoleSource, 'env'>,
  signal: AbortSignal,
): Promise<number> {
  const open = connections({ config, env, log, role: 'gateway' });
  const telemetry = incrementPipelineTelemetry(log, metrics);
  const clock = systemClock;
  await using database = open.database(gatewayConnectionsMax);
  await using appender = openAppender({
    config,
    redis: open.redis,
    ledger: database,
    telemetry,
    clock,
  });
  const look = createLook({
    config,
    database,
    link: appender.link,
    appender,
    clock,
    looked: (progress) => telemetry.looked(progress),
  });
  telemetry.scrapedAfter(() => look.progress());
  const serving: { gateway?: Gateway } = {};
  // First, so that whoever asks learns what the start waits for.
  await using _admin = await startAdmin({
    ...config.bind.admin,
    metrics,
    readiness: () =>
      serving.gateway?.readiness() ?? { ready: false, reason: 'Starting', dependencies: {} },
    progress: () => look.progress(),
  });
  if (!(await prepare({ config, open, telemetry, log }, signal))) return exitCode.finished;
  await using gateway = await startGateway({
    config,
    log,
    metrics,
    telemetry,
    clock,
    database,
    appender,
    tokens: () => open.urls.find('TOKENS'),
  });
  serving.gateway = gateway;
  await gateway.run(signal);
  return exitCode.finished;
}

interface Preparation {
  readonly config: IncrementPipelinePodConfig;
  readonly open: Connections;
  readonly telemetry: IncrementTelemetry;
  readonly log: ProcessContext['log'];
}

/** False when the process is to end before Postgres was there. */
async function prepare(
  { config, open, telemetry, log }: Preparation,
  signal: AbortSignal,
): Promise<boolean> {
  await using owner = open.ownerDatabase(ownerConnectionsMax);
  try {
    await preparePipeline({
      config,
      owner,
      ownerUrl: () => open.ownerUrl(),
      // Read when they are needed: the Secret may be completed while we wait.
      get workingRole() {
        return workingRole(open.urls);
      },
      get caBundle() {
        return open.urls.find('CA_BUNDLE');
      },
      log,
      clock: systemClock,
      signal,
      waiting: (failure, waitMs) => telemetry.waiting(failure, waitMs),
    });
    return true;
  } catch (error) {
    if (signal.aborted && error instanceof Transient) return false;
    throw error;
  }
}
