import { describe, expect, it } from 'vitest';
import { DataError } from '../../connectors/postgres/data-error.ts';
import type { Session } from '../../connectors/postgres/database.ts';
import { typeEncoder } from '../../rows/column-encoder.ts';
import { RowBatch } from '../../rows/row-batch.ts';
import { streamToTarget, type Typing } from './stream.ts';

/** Types one key after another and notes when. */
function typing(keys: readonly number[], events: string[]): Typing {
  const batch = new RowBatch();
  const encode = typeEncoder({ name: 'id', type: 'bigint' });
  let next = 0;
  return {
    batch,
    more: () => {
      const bytes = Buffer.from(String(keys[next]));
      const start = batch.out.at;
      encode({ bytes, start: 0, end: bytes.length }, batch.out);
      batch.keys.add('bigint', batch.out, start);
      batch.keys.endRow();
      batch.add({ start: 0, end: 0, line: next + 1 });
      events.push(`typed ${keys[next]}`);
      next += 1;
      return next < keys.length;
    },
  };
}

/** A connection that notes what it is asked; its COPY ends with `refusal` if there is one. */
function session(events: string[], refusal?: DataError): Session {
  return {
    query: (text) => {
      events.push(text.startsWith('ROLLBACK TO') ? 'rolled back' : 'asked');
      return Promise.resolve({ rows: [], rowCount: 0 });
    },
    copyIn: () => ({
      write: (bytes) => {
        events.push(`wrote ${bytes.length}`);
        return Promise.resolve();
      },
      end: () => (refusal === undefined ? Promise.resolve(3) : Promise.reject(refusal)),
      abort: () => {
        events.push('aborted');
        return Promise.resolve();
      },
    }),
  };
}

describe('streaming rows while they are typed', () => {
  it('sends each part before the next is typed', async () => {
    const events: string[] = [];

    expect(await streamToTarget(session(events), 'COPY', typing([1, 2, 9], events))).toBe(3);

    const row = 'wrote 12';
    expect(events.slice(2)).toEqual([
      'typed 1',
      row,
      'typed 2',
      row,
      'typed 9',
      row,
      'wrote 2',
      'asked',
    ]);
  });

  it.each([[[5, 6, 4, 7]], [[5, 5, 6]]])('gives up when a key does not rise: %j', async (keys) => {
    const events: string[] = [];

    expect(await streamToTarget(session(events), 'COPY', typing(keys, events))).toBe('OutOfOrder');

    expect(events.slice(-2)).toEqual(['aborted', 'rolled back']);
  });

  it.each([
    ['23505', 'KeyConflict'],
    ['23514', 'Refused'],
  ])('is as if it had not begun when the server says %s', async (sqlstate, outcome) => {
    const events: string[] = [];
    const refusal = new DataError({
      sqlstate,
      column: undefined,
      constraint: undefined,
      cause: undefined,
    });

    expect(await streamToTarget(session(events, refusal), 'COPY', typing([1, 2], events))).toBe(
      outcome,
    );

    expect(events.at(-1)).toBe('rolled back');
  });
});
