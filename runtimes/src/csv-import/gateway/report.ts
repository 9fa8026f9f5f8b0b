/**
 * What a gateway answers at /progress: the import as its ledger has it, in the shape of the
 * coordinator's report. After the end nobody else is left to ask, and things still change: rejects are
 * replayed, a backend goes away, a key that sealed values need is taken out of the ring.
 *
 * The ledger is read at most every few seconds, however many ask. While it cannot be read, what was
 * read before stands beside the backends as they are now; before that, there is nothing to report.
 */
import type { CsvImportPodConfig, CsvImportProgress } from '@millrace/crds/csv-import';
import type { Clock } from '@millrace/kit/clock';
import { Failure } from '@millrace/kit/failure';
import type { Readiness } from '@millrace/kit/health';
import { Transient } from '@millrace/kit/transient';
import { readImport } from '../../chunks/imports.ts';
import type { Sql } from '../../connectors/postgres/database.ts';
import { sealingBackend } from '../../sealing/key-ring.ts';
import { showLedger } from '../coordinator/ledger-board.ts';
import { ProgressBoard } from '../coordinator/progress-board.ts';
import type { Sink } from '../load/sink-port.ts';

export interface ReportOptions {
  readonly config: Pick<CsvImportPodConfig, 'import'>;
  readonly reads: Sql;
  readonly sink: Pick<Sink, 'requireKeys'>;
  readonly readiness: () => Pick<Readiness, 'dependencies'>;
  readonly clock: Clock;
}

/** The totals of an import of a million chunks take a second to add up. */
const freshMs = 5_000;
/** Whoever asks gives up after three seconds. */
const patienceMs = 1_500;

export function gatewayReport(
  options: ReportOptions,
): () => Promise<CsvImportProgress | undefined> {
  const { clock } = options;
  let known: CsvImportProgress | undefined;
  let readAt = -Infinity;
  let reading: Promise<void> | undefined;

  const read = async (): Promise<void> => {
    try {
      known = await readReport(options);
    } catch (error) {
      if (!(error instanceof Failure) || error.family === 'Fault') throw error;
    } finally {
      reading = undefined;
    }
  };

  return async () => {
    const now = clock.monotonic();
    if (reading === undefined && now - readAt >= freshMs) {
      readAt = now;
      reading = read();
    }
    const end = new AbortController();
    try {
      await Promise.race([reading, clock.sleep(patienceMs, end.signal)]);
    } finally {
      end.abort();
    }
    return known === undefined ? undefined : { ...known, backends: backends(options.readiness()) };
  };
}

async function readReport(options: ReportOptions): Promise<CsvImportProgress | undefined> {
  const { config, reads, clock } = options;
  const it = await readImport(reads, config.import.uid);
  if (it === undefined) return undefined;
  const board = new ProgressBoard({ clock, backends: [] });
  await showLedger(board, reads, it);
  const { reason = it.state, message = '' } = it;
  if (it.state === 'Failed' || it.state === 'Lost') board.enter('Failed', { reason, message });
  else board.enter(it.state, it.state === 'Complete' ? await missingKey(options) : undefined);
  return board.snapshot();
}

async function missingKey({
  sink,
  reads,
}: ReportOptions): Promise<{ reason: string; message: string } | undefined> {
  try {
    await sink.requireKeys?.(reads);
    return undefined;
  } catch (error) {
    if (!(error instanceof Transient) || error.backend !== sealingBackend) throw error;
    return { reason: error.code, message: error.message };
  }
}

function backends({
  dependencies,
}: Pick<Readiness, 'dependencies'>): CsvImportProgress['backends'] {
  return (['postgres', 'redis'] as const).flatMap((name) => {
    const state = dependencies[name];
    if (state === undefined) return [];
    const { ok, reason } = state;
    return [{ name, ok, ...(reason === undefined ? {} : { reason: reason.slice(0, 64) }) }];
  });
}
