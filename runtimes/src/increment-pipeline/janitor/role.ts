/**
 * Wires the janitor, a Job that runs once at deletion: cleans up, and says what it did. Increments that
 * are not committed yet are waited for like a backend that is away.
 */
import type { IncrementPipelinePodConfig } from '@millrace/crds/increment-pipeline';
import { exitCode } from '@millrace/kit/exit-code';
import { openRedisLink } from '../../connectors/redis/link.ts';
import { runOnce } from '../../one-shot.ts';
import type { ProcessContext, RoleSource } from '../../runtime.ts';
import { connections } from '../connections.ts';
import { incrementPipelineTelemetry } from '../telemetry.ts';
import { cleanUp } from './janitor.ts';

const connectionsMax = 1;
const commandTimeoutMs = 10_000;
/** A Job tries again by itself, but only so many times: short outages are waited out here. */
const patienceMs = 30_000;

export async function runJanitorRole(
  config: IncrementPipelinePodConfig,
  { log, metrics, env }: ProcessContext & Pick<RoleSource, 'env'>,
  signal: AbortSignal,
): Promise<number> {
  const open = connections({ config, env, log, role: 'janitor' });
  const telemetry = incrementPipelineTelemetry(log, metrics);
  await using owner = open.ownerDatabase(connectionsMax);
  await using link = openRedisLink({ ...open.redis, commandTimeoutMs });
  return await runOnce({
    terminationLog: config.terminationLog,
    log,
    signal,
    patienceMs,
    waiting: (failure, waitMs) => telemetry.waiting(failure, waitMs),
    work: () => cleanUp({ config, owner, link }),
    ended: () => exitCode.finished,
  });
}
