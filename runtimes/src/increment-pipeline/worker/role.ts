/** Wires a worker: its connections, its loop, and what its admin port says. */
import { randomUUID } from 'node:crypto';
import type { IncrementPipelinePodConfig } from '@millrace/crds/increment-pipeline';
import { systemClock } from '@millrace/kit/clock';
import { exitCode } from '@millrace/kit/exit-code';
import { startAdmin } from '@millrace/kit/health';
import { Transient } from '@millrace/kit/transient';
import { openRedisLink } from '../../connectors/redis/link.ts';
import type { ProcessContext, RoleSource } from '../../runtime.ts';
import { connections, workingRole, type Connections } from '../connections.ts';
import { createLook } from '../look/look.ts';
import { leaseMsDefault } from '../ledger/partitions.ts';
import { preparePipeline, type PrepareOptions } from '../setup/prepare.ts';
import { incrementPipelineTelemetry } from '../telemetry.ts';
import { createDependencies } from './dependencies.ts';
import { runRequestDays } from './request-days.ts';
import { runWorker } from './worker.ts';

/** Each holds a batch of a few megabytes and a connection; more would only queue at the same disk. */
const turnsMax = 4;
/** One a turn, and one for leases, which must not wait for a commit. */
const connectionsMax = turnsMax + 1;
const ownerConnectionsMax = 1;
/** Its own, so that a report neither waits for commits nor delays them. */
const lookConnectionsMax = 1;
/** Reads come in pages of at most some hundred entries; no client waits for them. */
const commandTimeoutMs = 5_000;

export async function runWorkerRole(
  config: IncrementPipelinePodConfig,
  { log, metrics, env }: ProcessContext & Pick<RoleSource, 'env'>,
  signal: AbortSignal,
): Promise<number> {
  const open = connections({ config, env, log, role: 'worker' });
  await using db = open.database(connectionsMax);
  await using owner = open.ownerDatabase(ownerConnectionsMax);
  await using looks = open.database(lookConnectionsMax);
  await using link = openRedisLink({ ...open.redis, commandTimeoutMs });
  const telemetry = incrementPipelineTelemetry(log, metrics);
  const look = createLook({
    config,
    database: looks,
    link,
    clock: systemClock,
    looked: (progress) => telemetry.looked(progress),
  });
  telemetry.scrapedAfter(() => look.progress());
  const { observed, failing } = createDependencies(telemetry);
  await using _admin = await startAdmin({
    ...config.bind.admin,
    metrics,
    // A worker that waits for a backend is still ready: it works the moment it can.
    readiness: () => ({ ready: true, dependencies: failing() }),
    progress: () => look.progress(),
  });
  const waiting = (failure: Transient, waitMs: number): void => {
    observed('postgres', failure);
    telemetry.waiting(failure, waitMs);
  };
  if (!(await prepared({ config, open, owner, log, signal, waiting }))) return exitCode.finished;
  const parts = { config, db, owner, link, clock: systemClock, telemetry, observed };
  const ended = new AbortController();
  const keeping = runRequestDays(parts, AbortSignal.any([signal, ended.signal]));
  try {
    const member = randomUUID();
    await runWorker({ ...parts, leaseMs: leaseMsDefault, member, turnsMax }, signal);
  } finally {
    ended.abort();
    await keeping;
  }
  return exitCode.finished;
}

interface Preparation extends Pick<PrepareOptions, 'config' | 'owner' | 'log' | 'signal'> {
  readonly open: Connections;
  waiting(this: void, failure: Transient, waitMs: number): void;
}

/** False when it was told to stop first. */
async function prepared({ open, ...rest }: Preparation): Promise<boolean> {
  try {
    await preparePipeline({
      ...rest,
      clock: systemClock,
      ownerUrl: () => open.ownerUrl(),
      // Read when they are needed: the Secret may be completed while we wait.
      get workingRole() {
        return workingRole(open.urls);
      },
      get caBundle() {
        return open.urls.find('CA_BUNDLE');
      },
    });
    return true;
  } catch (error) {
    if (rest.signal.aborted && error instanceof Transient) return false;
    throw error;
  }
}
