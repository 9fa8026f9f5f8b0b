/** The verdict on rejects, with the first of them by place: reason and line, never a value. */
import type { Database } from '../../connectors/postgres/database.ts';
import { ImportFailed } from '../failed.ts';
import type { Sink } from '../load/sink-port.ts';

export interface LimitsContext {
  readonly db: Database;
  readonly sink: Sink;
  readonly uid: string;
}

export async function tooManyRejects(
  { db, sink, uid }: LimitsContext,
  limit: string,
): Promise<ImportFailed> {
  const first = await sink.firstRejects(db, uid);
  return new ImportFailed(
    'TooManyRejects',
    `Rejected records: ${limit}. The first: ${first.join('; ')}. Raise the limit to go on, or correct the file and create a new import.`,
  );
}
