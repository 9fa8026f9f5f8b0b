/**
 * The coordinator's pods: what is known of any pod, and what one left in its termination message.
 * What a pod said is checked against the contract before anybody believes it; what does not fit is as
 * if it had not been said.
 */
import { progress as progressSchema, type CsvImportProgress } from '@millrace/crds/csv-import';
import { Compile } from 'typebox/compile';
import type { Store } from '../../machinery/store.ts';
import { podsOf } from '../../machinery/workload/pods.ts';
import type { CoordinatorPod } from './observed.ts';

export function coordinatorPods(uid: string, pods: Store): readonly CoordinatorPod[] {
  return podsOf(uid, 'coordinator', pods).map(({ lastWords, madeBy, ...pod }) => ({
    ...pod,
    jobUid: madeBy,
    report: parseProgress(lastWords),
  }));
}

const progressCheck = Compile(progressSchema);

/** What a pod reported, if it is a report. */
export function parseProgress(value: unknown): CsvImportProgress | undefined {
  return progressCheck.Check(value) ? value : undefined;
}
