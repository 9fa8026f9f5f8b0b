/**
 * Makes the import, tells what becomes of it as that changes, and judges the end.
 *
 * An import of an earlier run is removed first, since its spec cannot be changed. After a success
 * ours is removed as well; after a failure it stays, to be looked at. A server that does not answer
 * is asked again until the time is over.
 */
import type { CsvImportStatus } from '@millrace/crds/csv-import';
import type { Clock } from '@millrace/kit/clock';
import { conditionOf } from '../machinery/conditions.ts';
import type { KubeApi, KubeObject } from '../machinery/kube-api.ts';
import { KubeFailure } from '../machinery/kube-failure.ts';
import { importOf, imports, rows, type TestImport } from './hundred-rows.ts';

export interface TestRun {
  readonly api: Pick<KubeApi, 'get' | 'create' | 'delete'>;
  readonly clock: Clock;
  readonly say: (line: string) => void;
  readonly timeoutMs: number;
}

const pollMs = 500;

type State = 'running' | 'passed' | 'failed';

interface Judgement {
  readonly state: State;
  readonly line: string;
}

/** Whether the import came to what it had to; what it came to is said. */
export async function runImport(run: TestRun, wanted: TestImport): Promise<boolean> {
  const { api, clock, say, timeoutMs } = run;
  const startedMs = clock.monotonic();
  const where = `csvimport/${wanted.name} in namespace ${wanted.namespace}`;
  const untilMs = startedMs + timeoutMs;
  if (!(await isRemoved(run, wanted, untilMs))) {
    say(`FAILED: ${where} of an earlier test does not go away`);
    return false;
  }
  await api.create(imports, importOf(wanted));
  say(`made ${where}: ${rows} rows`);
  let said = '';
  let last: KubeObject | undefined;
  while (clock.monotonic() < untilMs) {
    last = (await seen(run, wanted)) ?? last;
    const { state, line } = judge(last);
    if (line !== said) say(`${secondsSince(clock, startedMs)}  ${line}`);
    said = line;
    if (state === 'passed') await api.delete(imports, wanted);
    if (state !== 'running') {
      say(`${state === 'passed' ? 'PASSED' : 'FAILED'} after ${secondsSince(clock, startedMs)}`);
      return state === 'passed';
    }
    await clock.sleep(pollMs);
  }
  say(`FAILED: ${where} was not complete after ${secondsSince(clock, startedMs)}. Its conditions:`);
  for (const line of conditionLines(last)) say(line);
  return false;
}

async function isRemoved({ api, clock }: TestRun, old: TestImport, untilMs: number) {
  await api.delete(imports, old);
  while ((await api.get(imports, old)) !== undefined) {
    if (clock.monotonic() >= untilMs) return false;
    await clock.sleep(pollMs);
  }
  return true;
}

/** What only passes is not a reason to fail a test of something else. */
async function seen({ api, say }: TestRun, wanted: TestImport): Promise<KubeObject | undefined> {
  try {
    return await api.get(imports, wanted);
  } catch (error) {
    if (!(error instanceof KubeFailure) || isLasting(error)) throw error;
    say(`asking again: ${error.message}`);
    return undefined;
  }
}

function isLasting({ reason }: KubeFailure): boolean {
  return reason === 'Forbidden' || reason === 'Unauthorized' || reason === 'NotFound';
}

function judge(object: KubeObject | undefined): Judgement {
  const status = object?.['status'] as CsvImportStatus | undefined;
  const condition = (type: string) => conditionOf(status?.conditions, type);
  const failed = condition('Failed');
  if (failed?.status === 'True') {
    return { state: 'failed', line: `${failed.reason}: ${failed.message}` };
  }
  if (condition('Complete')?.status !== 'True') {
    const ready = condition('Ready');
    const line = ready === undefined ? 'no operator has seen it yet' : ready.reason;
    return { state: 'running', line: described(line, ready?.message) };
  }
  return judgeTotals(status?.totals);
}

function judgeTotals(totals: CsvImportStatus['totals']): Judgement {
  const { read = 0, loaded = 0, rejected = 0 } = totals ?? {};
  const line = `Complete: ${read} read, ${loaded} loaded, ${rejected} rejected`;
  const isExact = read === rows && loaded === rows && rejected === 0;
  return isExact
    ? { state: 'passed', line }
    : { state: 'failed', line: `${line}, and it had to be ${rows} loaded` };
}

function described(reason: string, message: string | undefined): string {
  return message === undefined ? reason : `${reason}: ${message}`;
}

function conditionLines(object: KubeObject | undefined): readonly string[] {
  const status = object?.['status'] as CsvImportStatus | undefined;
  const conditions = status?.conditions ?? [];
  if (conditions.length === 0) {
    return ['  none: no operator works in this namespace, or it is not running'];
  }
  return conditions.map(
    ({ type, status: holds, reason, message }) => `  ${type}=${holds} ${reason}: ${message}`,
  );
}

function secondsSince(clock: Clock, startedMs: number): string {
  return `${((clock.monotonic() - startedMs) / 1_000).toFixed(1)} s`;
}
