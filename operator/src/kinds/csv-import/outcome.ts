/**
 * What became of the import, from the coordinator's Job and pods. Pure; plan and status both ask it.
 *
 * Complete is for ever and remembered in status, so that it survives the Job. Everything else is read
 * from the Job that is there now: a Job made anew is a new try. The exit code of the newest ended pod
 * decides; its termination message carries totals and reason, so that nothing depends on a poll that
 * may have been missed. When a Job has ended and its pods are gone before anyone read them, the
 * outcome is `Unread`: the Job is run again, which is cheap, because the ledger knows the answer.
 */
import type { CsvImportProgress } from '@millrace/crds/csv-import';
import { conditionOf } from '../../machinery/conditions.ts';
import { exit, jobFacts, type JobFacts } from '../../machinery/workload/job.ts';
import type { CoordinatorPod, Observed } from './observed.ts';

export type Outcome =
  | { readonly state: 'Running'; readonly crashes: number }
  | { readonly state: 'Complete'; readonly report: CsvImportProgress | undefined }
  | { readonly state: 'Failed'; readonly reason: string; readonly message: string }
  | { readonly state: 'BadConfiguration'; readonly message: string }
  | { readonly state: 'Unread'; readonly endedAtMs: number | undefined };

/** Two may be bad luck, the third is a pattern that somebody should look at. */
export const crashesShown = 3;

export function outcomeOf(observed: Observed): Outcome {
  const { status, children, progress } = observed;
  if (conditionOf(status?.conditions, 'Complete')?.status === 'True') {
    return { state: 'Complete', report: status?.progress ?? progress };
  }
  if (children.job === undefined) return { state: 'Running', crashes: 0 };
  const job = jobFacts(children.job);
  const pods = observed.coordinators.filter(({ jobUid }) => jobUid === job.uid);
  return endOf(pods) ?? endWithoutPods(job, observed) ?? running(job, pods);
}

/** A failure that a changed specification is about to overcome: its Job will be made anew. */
export function isOvercome(
  outcome: Outcome,
  {
    rendering,
    observed,
  }: { readonly rendering: { readonly digest: string }; readonly observed: Observed },
): boolean {
  const { job } = observed.children;
  if (job === undefined || jobFacts(job).rendering === rendering.digest) return false;
  return (
    outcome.state === 'BadConfiguration' ||
    (outcome.state === 'Failed' && outcome.reason === 'TooManyRejects')
  );
}

/** Decided by a pod that ended for good, whether or not the Job's own status has caught up. */
function endOf(pods: readonly CoordinatorPod[]): Outcome | undefined {
  const ended = pods.find(isFinal);
  if (ended === undefined) return undefined;
  const { exitCode, report } = ended;
  if (exitCode === exit.finished) return { state: 'Complete', report };
  if (exitCode === exit.badConfiguration) {
    return {
      state: 'BadConfiguration',
      message:
        report?.message ??
        `The coordinator refused its configuration (exit code 64). The log of pod ${ended.name} names the key.`,
    };
  }
  return {
    state: 'Failed',
    reason: report?.reason ?? 'BadInput',
    message:
      report?.message ??
      `The coordinator refused the input (exit code 65) and left no report. The log of pod ${ended.name} says why.`,
  };
}

/**
 * A coordinator that was told to stop may end with 0 as well; only its report, or being left alone
 * until its end, tells that the import is complete.
 */
function isFinal({ exitCode, report, isTerminating }: CoordinatorPod): boolean {
  if (exitCode === exit.finished) {
    return report === undefined ? !isTerminating : report.state === 'Complete';
  }
  return exitCode === exit.badConfiguration || exitCode === exit.badInput;
}

function endWithoutPods(job: JobFacts, { status }: Observed): Outcome | undefined {
  if (job.end === undefined) return undefined;
  const failed = conditionOf(status?.conditions, 'Failed');
  if (job.end === 'Failed' && failed?.status === 'True') {
    // Recorded while the pod was still there, and no new Job has been made since.
    return failed.reason === 'BadConfiguration'
      ? { state: 'BadConfiguration', message: failed.message }
      : { state: 'Failed', reason: failed.reason, message: failed.message };
  }
  return { state: 'Unread', endedAtMs: job.endedAtMs };
}

function running(job: JobFacts, pods: readonly CoordinatorPod[]): Outcome {
  // A coordinator that is up again has recovered, however often it fell before.
  if (pods.some(({ isReady, exitCode }) => isReady && exitCode === undefined))
    return { state: 'Running', crashes: 0 };
  const seen = pods.filter(
    ({ exitCode, isDisrupted }) => exitCode !== undefined && exitCode !== 0 && !isDisrupted,
  );
  return { state: 'Running', crashes: Math.max(seen.length, job.failedPods) };
}
