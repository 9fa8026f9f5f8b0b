/**
 * Batches in a closed loop over raw connections: each sends the next batch as soon as its last one is
 * answered, so the service always has as much to do as there are connections and never more. A batch
 * that was refused is followed after a pause, or a full service would be asked for nothing else.
 */
import { fateOf } from '../../load/exchange.ts';
import { RawConnection, type Address } from '../../load/raw-connection.ts';
import { count, type LoadCounts } from './load-counts.ts';
import type { Batch } from './requests.ts';

export interface BatchLoopOptions extends Address {
  readonly batches: readonly Batch[];
  readonly connections: number;
  /** Ends after this long or after so many increments were accepted, whichever comes first. */
  readonly seconds: number;
  readonly incrementsMax: number;
  readonly counts: LoadCounts;
}

export interface BatchLoopResult {
  /** Increments answered with 200. */
  readonly accepted: number;
  readonly byStatus: Readonly<Record<string, number>>;
  readonly unanswered: number;
  /** Until the last answer. */
  readonly seconds: number;
  /** Of batches answered with 200; ascending. */
  readonly latenciesMs: Float64Array;
}

const refusalPauseMs = 100;

export function runBatchLoop(options: BatchLoopOptions): Promise<BatchLoopResult> {
  const { batches, counts } = options;
  const startMs = performance.now();
  const endMs = startMs + options.seconds * 1_000;
  const byStatus: Record<string, number> = {};
  const latencies: number[] = [];
  const sentAtMs = new Map<RawConnection, number>();
  let [accepted, unanswered, begun, open] = [0, 0, 0, options.connections];
  return new Promise((resolve) => {
    const batchOf = (connection: RawConnection): Batch =>
      batches[connection.request % batches.length] ?? {
        bytes: Buffer.of(),
        indexes: new Uint32Array(),
      };
    const next = (connection: RawConnection): void => {
      if (performance.now() > endMs || accepted >= options.incrementsMax) {
        connection.destroy();
        return;
      }
      connection.request = begun;
      begun += 1;
      sentAtMs.set(connection, performance.now());
      connection.send(batchOf(connection).bytes);
    };
    const events = {
      opened: next,
      answered: (connection: RawConnection, status: number, refusal: string): void => {
        const batch = batchOf(connection);
        byStatus[status] = (byStatus[status] ?? 0) + 1;
        count(counts, batch.indexes, fateOf(status, refusal).fate);
        if (status === 200) {
          accepted += batch.indexes.length;
          latencies.push(performance.now() - (sentAtMs.get(connection) ?? 0));
          next(connection);
        } else setTimeout(next, refusalPauseMs, connection);
      },
      lost: (connection: RawConnection): void => {
        if (connection.isBusy) {
          unanswered += 1;
          count(counts, batchOf(connection).indexes, 'Unanswered');
        }
        open -= 1;
        if (open > 0) return;
        const latenciesMs = Float64Array.from(latencies).sort();
        const seconds = (performance.now() - startMs) / 1_000;
        resolve({ accepted, byStatus, unanswered, seconds, latenciesMs });
      },
    };
    for (let index = 0; index < options.connections; index += 1) new RawConnection(options, events);
  });
}
