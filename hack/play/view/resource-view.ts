/** What people are shown of a resource, read from its status; pure. */
import type { CsvImportStatus } from '@millrace/crds/csv-import';
import type { KubeObject } from '@millrace/operator/machinery/kube-api';
import { conditionOf, endOf, type End } from '../outcome.ts';

export interface ResourceView {
  readonly name: string;
  /** One word: Starting, Loading, Complete, or why it is not going on. */
  readonly state: string;
  readonly message: string;
  readonly percent: number;
  readonly rowsRead: number;
  readonly rowsPerSecond: number;
  readonly rowsRejected: number;
  readonly workersReady: number;
  readonly workersWanted: number;
  readonly backendsDown: readonly string[];
  readonly end: End | undefined;
}

const noTotals = { read: 0, rejected: 0 };
const noWorkers = { ready: 0, wanted: 0 };

export function viewOf(object: KubeObject): ResourceView {
  const { progress, workers = noWorkers, totals = noTotals, percent = 0 } = statusOf(object);
  const end = endOf(object);
  const ready = conditionOf(object, 'Ready') ?? { reason: 'Accepted', message: '' };
  const { reason, message } = end ?? ready;
  return {
    name: object.metadata.name,
    state: end?.isComplete === true ? 'Complete' : reason,
    message,
    percent,
    rowsRead: totals.read,
    rowsPerSecond: progress?.rowsPerSecond ?? 0,
    rowsRejected: totals.rejected,
    workersReady: workers.ready,
    workersWanted: workers.wanted,
    backendsDown: (progress?.backends ?? [])
      .filter((backend) => !backend.ok)
      .map(({ name, reason: why }) => `${name} ${why ?? 'down'}`),
    end,
  };
}

export function statusOf(object: KubeObject): Partial<CsvImportStatus> {
  return (object['status'] as Partial<CsvImportStatus> | undefined) ?? {};
}
