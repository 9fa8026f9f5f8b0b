/**
 * The life of one process: run until done or told to stop, then drain within the grace period.
 *
 * SIGTERM and SIGINT abort the signal that every loop watches; the process ends when `run` returns.
 * A second signal, or the grace period running out, ends it at once: work in flight is safe because
 * nothing is acknowledged before it is durable. Unhandled errors are Faults: logged, exit 70.
 */
import { exitCode } from './exit-code.ts';
import { Failure } from './failure.ts';
import type { Log } from './log.ts';

export interface LifecycleOptions {
  readonly log: Log;
  /** How long a drain may take; Kubernetes kills at terminationGracePeriodSeconds, so stay under it. */
  readonly graceMs: number;
}

/** Runs a process to its end and exits with the code that `run` returns. Never resolves. */
export async function runProcess(
  run: (signal: AbortSignal) => Promise<number>,
  options: LifecycleOptions,
): Promise<never> {
  const { log, graceMs } = options;
  const stop = new AbortController();
  const onSignal = (name: NodeJS.Signals): void => {
    if (stop.signal.aborted) {
      log.warn({ signal: name }, 'second signal, ending at once');
      process.exit(exitCode.fault);
    }
    log.info({ signal: name }, 'draining');
    stop.abort();
    setTimeout(() => {
      log.warn({ graceMs }, 'grace period over, ending at once');
      process.exit(exitCode.drained);
    }, graceMs).unref();
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  process.on('unhandledRejection', (error) => endOnFault(error, log));
  process.on('uncaughtException', (error) => endOnFault(error, log));
  try {
    process.exit(await run(stop.signal));
  } catch (error) {
    return endOnFault(error, log);
  }
}

function endOnFault(error: unknown, log: Log): never {
  const code = codeFor(error);
  log.fatal({ err: error }, 'process ended by a failure');
  process.exit(code);
}

function codeFor(error: unknown): number {
  if (!(error instanceof Failure)) return exitCode.fault;
  if (error.code === 'BadConfiguration') return exitCode.badConfiguration;
  return error.family === 'Permanent' ? exitCode.badInput : exitCode.fault;
}
