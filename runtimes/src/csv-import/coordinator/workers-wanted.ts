/**
 * How many workers would be of use now. The user's bounds are the operator's to apply: a coordinator
 * that knew them would have to be started anew for every change of them.
 *
 * One worker a pending chunk is the most that helps. Chunks not cut yet count too, so that workers
 * are there when a fast scan has only begun. The bound on connections keeps all imports of a usual
 * Postgres (100 connections) from shutting each other out.
 */
import type { CsvImportProgress } from '@millrace/crds/csv-import';

/** One worker's pool; see worker and index. */
export const workerConnectionsMax = 2;
/** Connections that all workers of one import may open together. */
const connectionsTotalMax = 64;

export interface WorkersInput {
  readonly state: CsvImportProgress['state'];
  /** Cut and not committed. */
  readonly pending: number;
  readonly uncutBytes: number;
  readonly chunkBytes: number;
}

export function workersWanted(input: WorkersInput): { wanted: number; why: string } {
  const { state, pending, uncutBytes, chunkBytes } = input;
  if (state !== 'Loading') return { wanted: 0, why: `nothing to load while ${state}` };
  const uncut = chunkBytes === 0 ? 0 : Math.ceil(uncutBytes / chunkBytes);
  const chunks = pending + uncut;
  const byConnections = Math.floor(connectionsTotalMax / workerConnectionsMax);
  const clipped = chunks > byConnections ? `, at most ${byConnections} by connections` : '';
  return {
    wanted: Math.min(chunks, byConnections),
    why: `${pending} chunks pending + about ${uncut} to cut${clipped}`,
  };
}
