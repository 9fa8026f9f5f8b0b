import { describe, expect, it } from 'vitest';
import { systemClock } from '@millrace/kit/clock';
import type { MeasuredRow } from '../gateway/sql.ts';
import type { TableShape } from '../gateway/table.ts';
import type { Look } from './ledger-look.ts';
import { beginning } from './place.ts';
import type { StreamReads } from './reading.ts';
import { openRoom } from './room.ts';
import { RowStream } from './row-stream.ts';

const id = { name: 'id', type: 'bigint' };
const shape: TableShape = {
  columns: [id],
  key: [id],
  order: [id],
  nullable: [],
  hasPosition: true,
  sealed: [],
};
const look: Look = { snapshot: '10:10:', knownAt: 0, import: undefined };
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A client of a table with one row of 1,000 bytes, which is larger than a page here. */
function streamOf(roomBytes: number) {
  const limits: string[] = [];
  const sent: { readonly data: string; readonly withinMs: number | undefined }[] = [];
  const gone = new AbortController();
  const wide: MeasuredRow = { body: null, bytes: 1_000, found: 1, position: ['1'] };
  const reads: StreamReads = {
    page: async ({ text }) => {
      const [, bytesMax = ''] = /CASE WHEN bytes <= (\d+)/.exec(text) ?? [];
      limits.push(bytesMax);
      return [bytesMax === '1000' ? { ...wide, body: 'the row' } : wide];
    },
    room: openRoom(roomBytes),
    listen: () => ({ [Symbol.dispose]: () => undefined }),
  };
  const stream = new RowStream(
    {
      table: 'things',
      health: {
        shape: () => shape,
        isTableMissing: () => false,
        readiness: () => ({ ready: true, dependencies: {} }),
        probe: async () => undefined,
        run: async () => undefined,
      },
      ledger: { look: async () => look, chunks: async () => [] },
      reads,
      clock: systemClock,
      tag: 'tag',
      from: beginning,
      limit: 1,
      sample: Infinity,
    },
    {
      signal: gone.signal,
      send: async (events, withinMs) => {
        for (const { data, event } of events) {
          if (event === undefined) sent.push({ data, withinMs });
        }
      },
    },
  );
  return { stream, reads, limits, sent, gone };
}

describe('a row that is larger than a page', () => {
  it('is not read before there is room for it, and has to be taken in a given time', async () => {
    const { stream, reads, limits, sent } = streamOf(1_000);
    const other = await reads.room.take(1, new AbortController().signal);
    const running = stream.run();
    await settled();
    const before = [...limits];

    other[Symbol.dispose]();
    await running;

    expect([before.length, before.includes('1000')]).toEqual([1, false]);
    expect(sent).toEqual([{ data: 'the row', withinMs: 60_000 }]);
    // The room is free again.
    await reads.room.take(1_000, new AbortController().signal);
  });

  it('is never read for a client that went away while it waited', async () => {
    const { stream, reads, limits, sent, gone } = streamOf(1_000);
    using _other = await reads.room.take(1_000, new AbortController().signal);
    const running = stream.run();
    await settled();

    gone.abort();
    await running;

    expect([limits.length, sent]).toEqual([1, []]);
  });
});
