/**
 * `GET /{table}/events`, also called `/sse`: what is asked for, and where the client was.
 *
 * `limit` ends the stream after so many rows, counted over reconnections; `sample` sends only the
 * first rows of the snapshot and of each chunk, for pages that show rows to people. A client whose
 * last event was the end is answered 204, at which an EventSource stops coming back.
 */
import type { CsvImportPodConfig } from '@millrace/crds/csv-import';
import type { Clock } from '@millrace/kit/clock';
import { Transient } from '@millrace/kit/transient';
import type { Sql } from '../../connectors/postgres/database.ts';
import { queryBinding } from '../../http/cursor.ts';
import { RequestError } from '../../http/request-error.ts';
import { parseLimit, refuseUnknown } from '../../http/request-target.ts';
import type { HttpReply, HttpRequest } from '../../http/server.ts';
import type { Health } from '../gateway/health.ts';
import { positionColumn } from '../gateway/table.ts';
import { ledgerLook } from './ledger-look.ts';
import { beginning, decodePlace } from './place.ts';
import { streamReads } from './reading.ts';
import { RowStream } from './row-stream.ts';

export interface EventsOptions {
  readonly config: CsvImportPodConfig;
  readonly reads: Sql;
  readonly health: Health;
  readonly clock: Clock;
  /** Names the database, as in cursors. */
  readonly databaseScope: string;
}

export type AnswerEvents = (request: HttpRequest) => HttpReply;

const parameters: ReadonlySet<string> = new Set(['limit', 'sample']);
const limitBounds = { byDefault: Infinity, max: 999_999_999 };
const sampleBounds = { byDefault: Infinity, max: 1_000, name: 'sample' };

export function createEvents(options: EventsOptions): AnswerEvents {
  const { config, health, clock, databaseScope } = options;
  const { uid } = config.import;
  const { table } = config.target;
  const ledger = ledgerLook(options.reads, uid, clock);
  const reads = streamReads(options.reads, clock);
  return ({ target: { query }, headers }) => {
    refuseUnknown(query, parameters);
    const limit = parseLimit(query, limitBounds);
    const sample = parseLimit(query, sampleBounds);
    const shape = health.shape();
    if (shape === undefined && !health.isTableMissing()) throw notAskedYet();
    if (shape !== undefined && !shape.hasPosition) throw noPositions();
    const tag = queryBinding([databaseScope, uid, table, sample === Infinity ? 'all' : sample]);
    const id = headers['last-event-id'];
    const from = (typeof id === 'string' ? decodePlace(tag, id) : undefined) ?? beginning;
    if (from.place.phase === 'end') return { status: 204, body: '' };
    const stream = { table, health, ledger, reads, clock, tag, from, limit, sample };
    return {
      body: '',
      events: async (sink) => {
        using _listening = reads.listen();
        await new RowStream(stream, sink).run();
      },
    };
  };
}

function notAskedYet(): Transient {
  return new Transient('NotAskedYet', 'The table has not been read yet.', { backend: 'postgres' });
}

function noPositions(): RequestError {
  return new RequestError(
    `New rows of this table cannot be told from others, since it has no ${positionColumn}.`,
    { status: 409, code: 'NoPositions' },
  );
}
