import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lacks } from '../../../test/backends.ts';
import type { TestDatabase } from '../../../test/database.ts';
import { itemsOf, keyOf } from '../../../test/increment-streams.ts';
import {
  migratedDatabase,
  preparedPipeline,
  type PreparedPipeline,
} from '../../../test/increment-worker.ts';
import type { Database } from '../../connectors/postgres/database.ts';
import { claimPartitions, readPartitions } from '../ledger/partitions.ts';
import { encodeRequest, type Entry } from '../stream/entry.ts';
import { takeBatch } from './batch.ts';
import { commitBatch, type CommitOutcome, type Fence } from './flush.ts';

const greatest = 2n ** 63n - 1n;
const hourMs = 3_600_000;

interface Stage {
  readonly fence: Fence;
  /** Commits as the owner, from where the last one ended. */
  commit(this: void, entries: readonly Entry[], overrides?: Partial<Fence>): Promise<CommitOutcome>;
}

/** Partition 0, claimed. */
async function stage(pipeline: PreparedPipeline, db: Database = pipeline.db): Promise<Stage> {
  const { uid } = pipeline;
  const [row] = await claimPartitions(pipeline.db, {
    pipeline: uid,
    owner: 'me',
    partitions: [0],
    leaseMs: 60_000,
  });
  if (row === undefined) throw new Error('the partition is not free');
  const { partition, incarnation, epoch } = row;
  let { lastId } = row;
  const fence = { partition, incarnation, epoch, lastId };
  return {
    fence,
    commit: async (entries, overrides) => {
      const batch = takeBatch(entries, 5_000);
      if (batch === undefined) throw new Error('a batch needs entries');
      const outcome = await commitBatch(db, {
        pipeline: uid,
        table: pipeline.config.target.table,
        fence: { ...fence, lastId, ...overrides },
        batch,
        leaseMs: 3_000,
        windowMs: hourMs,
      });
      if (outcome.outcome === 'Committed') ({ lastId } = batch);
      return outcome;
    },
  };
}

function entry(number: number, items: Buffer): Entry {
  return { id: `${String(number)}-0`, version: '1', payload: items };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest().subarray(0, 16);
}

/** A request as of now, since windows are counted from its time. */
function request(
  sequence: number,
  what: { readonly key: string; readonly items: Buffer; readonly atMs?: number },
): Entry {
  const { key, items, atMs = Date.now() } = what;
  const digests = { digest: digest(key), payloadDigest: digest(items.toString('hex')) };
  return {
    id: `${String(atMs)}-${String(sequence)}`,
    version: '2',
    payload: encodeRequest(digests, items),
  };
}

async function letters(pipeline: PreparedPipeline): Promise<readonly object[]> {
  const { rows } = await pipeline.db.query(
    `SELECT entry, reason, increments::int, encode(payload, 'hex') AS payload
     FROM millrace.increment_dead_letters WHERE pipeline = $1 ORDER BY id`,
    [pipeline.uid],
  );
  return rows;
}

async function counts(pipeline: PreparedPipeline): Promise<object | undefined> {
  const [row] = await readPartitions(pipeline.db, pipeline.uid);
  return row;
}

describe.skipIf(lacks('postgres'))('the commit of a batch', () => {
  let server: TestDatabase;
  beforeAll(async () => {
    server = await migratedDatabase();
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });

  it.each([
    ['sums alone', false],
    ['sums and dead letters', true],
  ])(
    'of %s happens once when several own the partition in their own eyes and commit at once',
    async (_, isMore) => {
      await using pipeline = await preparedPipeline({}, server);
      const { commit } = await stage(pipeline);

      const outcomes = await Promise.all(
        Array.from({ length: 4 }, () =>
          commit([
            entry(1, itemsOf([keyOf(1), 5])),
            ...(isMore ? [entry(2, Buffer.from('torn'))] : []),
          ]),
        ),
      );

      expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual([
        'Committed',
        'Fenced',
        'Fenced',
        'Fenced',
      ]);
      expect(await pipeline.sums()).toEqual(new Map([[keyOf(1), 5n]]));
      const deadLetters = isMore ? 1n : 0n;
      expect(await counts(pipeline)).toMatchObject({ committed: 1n, deadLetters });
    },
  );

  describe.each([
    ['an older epoch', { epoch: 0n }],
    ['another incarnation', { incarnation: 2 }],
    ['another position', { lastId: '0-1' }],
  ])('under %s', (_, wrong) => {
    it('writes nothing', async () => {
      await using pipeline = await preparedPipeline({}, server);
      const { commit } = await stage(pipeline);
      const sums = entry(1, itemsOf([keyOf(1), 5]));
      const more = [
        entry(2, Buffer.from('torn')),
        request(0, { key: 'a', items: itemsOf([keyOf(1), 1]) }),
      ];

      expect(await commit([sums], wrong)).toEqual({ outcome: 'Fenced' });
      expect(await commit([sums, ...more], wrong)).toEqual({ outcome: 'Fenced' });

      expect(await pipeline.sums()).toEqual(new Map());
      expect(await letters(pipeline)).toEqual([]);
      const { rowCount } = await pipeline.db.query(
        'SELECT FROM millrace.increment_requests WHERE pipeline = $1',
        [pipeline.uid],
      );
      expect(rowCount).toBe(0);
    });
  });

  it('is fenced by a claim that comes in between', async () => {
    await using pipeline = await preparedPipeline({}, server);
    const { commit } = await stage(pipeline);
    await commit([entry(1, itemsOf([keyOf(1), 5]))]);
    await pipeline.owner.query(
      'UPDATE millrace.increment_partitions SET lease_until = now() WHERE pipeline = $1',
      [pipeline.uid],
    );
    await stage(pipeline);

    expect(await commit([entry(2, itemsOf([keyOf(1), 5]))])).toEqual({ outcome: 'Fenced' });
    expect(await pipeline.sums()).toEqual(new Map([[keyOf(1), 5n]]));
  });

  it('leaves nothing behind when it breaks after its first write', async () => {
    await using pipeline = await preparedPipeline({}, server);
    const breaking: Database = {
      ...pipeline.db,
      transaction: (work, options) =>
        pipeline.db.transaction(
          (tx) =>
            work({
              ...tx,
              query: async (text, values) => {
                if (text.includes('increment_dead_letters')) throw new Error('broken');
                return tx.query(text, values);
              },
            }),
          options,
        ),
    };
    const { commit } = await stage(pipeline, breaking);

    await expect(
      commit([entry(1, itemsOf([keyOf(1), 5])), entry(2, Buffer.from('torn'))]),
    ).rejects.toThrow('broken');

    expect(await pipeline.sums()).toEqual(new Map());
    expect(await counts(pipeline)).toMatchObject({ lastId: '0-0', committed: 0n, deadLetters: 0n });
  });

  it('adds up to the greatest bigint, and puts aside in order what would pass it', async () => {
    await using pipeline = await preparedPipeline({}, server);
    const { commit } = await stage(pipeline);
    await commit([entry(1, itemsOf([keyOf(1), greatest - 10n], [keyOf(2), 1]))]);

    const outcome = await commit([
      entry(2, itemsOf([keyOf(1), 6], [keyOf(2), 1])),
      entry(3, itemsOf([keyOf(1), 5], [keyOf(3), 1], [keyOf(1), 7])),
      entry(4, itemsOf([keyOf(1), 4])),
      entry(5, itemsOf([keyOf(4), greatest], [keyOf(4), greatest], [keyOf(5), 2])),
    ]);

    expect(outcome).toMatchObject({ committed: 6 });
    expect(await pipeline.sums()).toEqual(
      new Map([
        [keyOf(1), greatest],
        [keyOf(2), 2n],
        [keyOf(3), 1n],
        [keyOf(4), greatest],
        [keyOf(5), 2n],
      ]),
    );
    expect(await letters(pipeline)).toEqual([
      {
        entry: '0-1-3-0',
        reason: 'SumOverflow',
        increments: 2,
        payload: itemsOf([keyOf(1), 5], [keyOf(1), 7]).toString('hex'),
      },
      {
        entry: '0-1-5-0',
        reason: 'SumOverflow',
        increments: 1,
        payload: itemsOf([keyOf(4), greatest]).toString('hex'),
      },
    ]);
    expect(await counts(pipeline)).toMatchObject({ committed: 8n, deadLetters: 3n });
  });

  it('keeps what cannot be read, and adds the rest', async () => {
    await using pipeline = await preparedPipeline({}, server);
    const { commit } = await stage(pipeline);

    await commit([
      entry(1, Buffer.from('torn')),
      entry(2, itemsOf([keyOf(1), 1])),
      { id: '3-0', version: '7', payload: Buffer.from('later') },
    ]);

    expect(await pipeline.sums()).toEqual(new Map([[keyOf(1), 1n]]));
    expect(await letters(pipeline)).toMatchObject([
      { entry: '0-1-1-0', reason: 'Unparsable' },
      { entry: '0-1-3-0', reason: 'UnknownVersion' },
    ]);
    expect(await counts(pipeline)).toMatchObject({ lastId: '3-0', committed: 1n, deadLetters: 2n });
  });

  it('adds a request once, whether repeated in the same batch or in a later one', async () => {
    await using pipeline = await preparedPipeline({}, server);
    const { commit } = await stage(pipeline);
    const items = itemsOf([keyOf(1), 5], [keyOf(2), 1]);

    await commit([request(1, { key: 'a', items }), request(2, { key: 'a', items })]);
    await commit([
      request(3, { key: 'a', items }),
      request(4, { key: 'b', items: itemsOf([keyOf(1), 1]) }),
    ]);

    expect(await pipeline.sums()).toEqual(
      new Map([
        [keyOf(1), 6n],
        [keyOf(2), 1n],
      ]),
    );
    expect(await counts(pipeline)).toMatchObject({ committed: 3n, duplicates: 4n });
    const { rows } = await pipeline.db.query<{ entry: string }>(
      'SELECT entry FROM millrace.increment_requests WHERE pipeline = $1 ORDER BY committed_at',
      [pipeline.uid],
    );
    expect(rows).toHaveLength(2);
    expect(rows[0]?.entry).toMatch(/^0-1-\d+-1$/);
  });

  it('puts aside a request with a known key and another payload', async () => {
    await using pipeline = await preparedPipeline({}, server);
    const { commit } = await stage(pipeline);
    await commit([request(1, { key: 'a', items: itemsOf([keyOf(1), 5]) })]);

    await commit([request(2, { key: 'a', items: itemsOf([keyOf(1), 6], [keyOf(1), 6]) })]);

    expect(await pipeline.sums()).toEqual(new Map([[keyOf(1), 5n]]));
    expect(await letters(pipeline)).toMatchObject([{ reason: 'RequestMismatch', increments: 2 }]);
    expect(await counts(pipeline)).toMatchObject({ committed: 1n, deadLetters: 2n });
  });

  it('takes a key anew when it was accepted later than the window after its commit', async () => {
    await using pipeline = await preparedPipeline({}, server);
    const { commit } = await stage(pipeline);
    await commit([request(1, { key: 'a', items: itemsOf([keyOf(1), 5]) })]);
    const lateMs = Date.now() + hourMs;
    const items = itemsOf([keyOf(1), 6]);

    // Within the minute that clocks may differ, it is still the old one.
    await commit([request(1, { key: 'a', items, atMs: lateMs + 30_000 })]);
    expect(await pipeline.sums()).toEqual(new Map([[keyOf(1), 5n]]));
    await commit([request(1, { key: 'a', items, atMs: lateMs + 120_000 })]);
    expect(await pipeline.sums()).toEqual(new Map([[keyOf(1), 11n]]));
  });

  it('waits for days that are missing instead of losing a request', async () => {
    await using pipeline = await preparedPipeline();
    const { commit } = await stage(pipeline);
    await pipeline.owner.query(
      `DO $$ DECLARE day regclass; BEGIN
         FOR day IN SELECT inhrelid FROM pg_inherits
           WHERE inhparent = 'millrace.increment_requests'::regclass
         LOOP EXECUTE 'DROP TABLE ' || day; END LOOP; END $$`,
    );

    const entries = [request(1, { key: 'a', items: itemsOf([keyOf(1), 5]) })];
    await expect(commit(entries)).rejects.toMatchObject({ code: 'RequestDaysMissing' });
    await pipeline.prepare();
    await commit(entries);

    expect(await pipeline.sums()).toEqual(new Map([[keyOf(1), 5n]]));
  });

  it('waits for a constraint of others to go', async () => {
    await using pipeline = await preparedPipeline({}, server);
    const { commit } = await stage(pipeline);
    await pipeline.owner.query(
      `ALTER TABLE ${pipeline.config.target.table} ADD CONSTRAINT small CHECK (value < 5)`,
    );

    await expect(commit([entry(1, itemsOf([keyOf(1), 5]))])).rejects.toMatchObject({
      family: 'Transient',
      code: 'TargetRefuses',
      message: expect.stringContaining('small') as unknown,
    });
  });
});
