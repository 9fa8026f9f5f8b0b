/**
 * Roles that run once, as a Job: a janitor after everything else, a reseal beside it.
 *
 * While a backend is away the work is tried again, for as long as the role has patience. What came of
 * it, or why nothing did, is left as one line of JSON in the termination message, and the exit code
 * says whether another try would help. Mistakes of the program are left to the process.
 */
import { systemClock } from '@millrace/kit/clock';
import { exitCode } from '@millrace/kit/exit-code';
import type { Log } from '@millrace/kit/log';
import { Permanent } from '@millrace/kit/permanent';
import { retryTransient } from '@millrace/kit/retry';
import { Transient } from '@millrace/kit/transient';
import { leaveLastWords } from './last-words.ts';

export interface OneShotOptions<Report extends object> {
  readonly terminationLog: string;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** A Job tries again by itself, so short outages alone are waited out; without it, all are. */
  readonly patienceMs?: number;
  readonly waiting: (failure: Transient, waitMs: number) => void;
  /** May be repeated from its start at any time. */
  work(): Promise<Report>;
  /** Told what came of it, which the log should say too; gives the exit code. */
  ended(report: Report): number;
}

export async function runOnce<Report extends object>(
  options: OneShotOptions<Report>,
): Promise<number> {
  const { terminationLog, log, signal, patienceMs, waiting } = options;
  const leave = (words: object): Promise<void> =>
    leaveLastWords(terminationLog, `${JSON.stringify(words)}\n`, log);
  const limits = patienceMs === undefined ? [] : [AbortSignal.timeout(patienceMs)];
  try {
    const report = await retryTransient(() => options.work(), {
      clock: systemClock,
      signal: AbortSignal.any([signal, ...limits]),
      onWait: (failure, _failures, waitMs) => waiting(failure, waitMs),
    });
    await leave(report);
    return options.ended(report);
  } catch (error) {
    const isStopped = signal.aborted;
    if (error instanceof Permanent) {
      log.error({ err: error }, 'the work was refused');
      await leave(wordsOf('Refused', error));
      return exitCode.badInput;
    }
    if (error instanceof Transient) {
      await leave(wordsOf('Waiting', error));
      return isStopped ? exitCode.drained : exitCode.tryAgain;
    }
    if (!isStopped || error !== signal.reason) throw error;
    await leave({ outcome: 'Stopped' });
    return exitCode.drained;
  }
}

function wordsOf(outcome: string, { code, message }: Permanent | Transient): object {
  return { outcome, reason: code, message };
}
