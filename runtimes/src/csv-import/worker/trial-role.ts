/**
 * Wires a trial: the role that workers start for themselves, on the same configuration. It has no
 * admin port and knows no queue; the worker that started it is at the other end of its channel.
 */
import { hostname } from 'node:os';
import { Socket } from 'node:net';
import { writeFile } from 'node:fs/promises';
import type { CsvImportPodConfig } from '@millrace/crds/csv-import';
import { systemClock } from '@millrace/kit/clock';
import { exitCode } from '@millrace/kit/exit-code';
import type { ProcessContext, RoleSource } from '../../runtime.ts';
import { connections } from '../connections.ts';
import { createSink } from '../load/sink.ts';
import { importTelemetry } from '../telemetry.ts';
import { receiveTask, runTrial, sendWord } from './trial.ts';

/** The file descriptor of the channel; the first after the standard ones. */
const channelFd = 3;
/** One transaction, nothing beside it. */
const connectionsMax = 1;

export async function runTrialRole(
  config: CsvImportPodConfig,
  { log, metrics, env }: ProcessContext & Pick<RoleSource, 'env'>,
  signal: AbortSignal,
): Promise<number> {
  await preferToBeKilled();
  const channel = new Socket({ fd: channelFd });
  const received = await receiveTask(channel);
  const open = connections({ config, env, log, role: 'trial' });
  await using db = open.database(connectionsMax);
  channel.once('close', endWithWorker).resume();
  const word = await runTrial(received, {
    config,
    db,
    sink: createSink({ config, keys: open.keys() }),
    source: open.source(),
    clock: systemClock,
    telemetry: importTelemetry(log, metrics),
    name: `${hostname()}/${process.pid}`,
  });
  channel.off('close', endWithWorker);
  if (signal.aborted && word.end === 'Failed') return exitCode.drained;
  await sendWord(channel, word);
  return exitCode.finished;
}

/** Nobody would record what this trial comes to. Thrown in an event, it ends the process at once. */
function endWithWorker(): never {
  throw new Error('the worker of this trial has gone');
}

/** Where memory runs out, the kernel then takes this process and not its worker, if it has the choice. */
async function preferToBeKilled(): Promise<void> {
  await writeFile('/proc/self/oom_score_adj', '1000').catch(() => undefined);
}
