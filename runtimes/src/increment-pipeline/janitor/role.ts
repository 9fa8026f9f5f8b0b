/**
 * Wires the janitor, a Job that runs once at deletion: cleans up, and leaves what it did as one line of
 * JSON in the termination message. While a backend is away, or increments are not committed yet, it
 * tries again for as long as its grace, and then ends with a code that asks for another try.
 */
import { writeFile } from 'node:fs/promises';
import type { IncrementPipelinePodConfig } from '@millrace/crds/increment-pipeline';
import { systemClock } from '@millrace/kit/clock';
import { exitCode } from '@millrace/kit/exit-code';
import { Transient } from '@millrace/kit/transient';
import { retryTransient } from '@millrace/kit/retry';
import { openRedisLink } from '../../connectors/redis/link.ts';
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
  const lastWords = async (words: object): Promise<void> => {
    await writeFile(config.terminationLog, `${JSON.stringify(words)}\n`).catch((error: unknown) =>
      log.warn({ err: error }, 'termination message could not be written'),
    );
  };
  try {
    const report = await retryTransient(() => cleanUp({ config, owner, link }), {
      clock: systemClock,
      signal: AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]),
      onWait: (failure, _failures, waitMs) => telemetry.waiting(failure, waitMs),
    });
    await lastWords(report);
    return exitCode.finished;
  } catch (error) {
    if (!(error instanceof Transient)) throw error;
    await lastWords({ outcome: 'Waiting', reason: error.code, message: error.message });
    return exitCode.tryAgain;
  }
}
