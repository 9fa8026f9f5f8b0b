import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lacks } from '../../../test/backends.ts';
import type { TestDatabase } from '../../../test/database.ts';
import { itemsOf, keyOf } from '../../../test/increment-streams.ts';
import {
  migratedDatabase,
  preparedPipeline,
  type PreparedPipeline,
} from '../../../test/increment-worker.ts';
import { until } from '../../../test/until.ts';
import { encodeRequest } from '../stream/entry.ts';
import type { DeadLetterReason } from '../worker/batch.ts';
import { readPartitions } from './partitions.ts';
import { replayDeadLetters, type ReplayedLetter, type ReplayOptions } from './replay.ts';

const greatest = 2n ** 63n - 1n;

interface Letter {
  readonly reason: DeadLetterReason;
  readonly payload: Buffer;
  readonly increments?: number;
}

/** Puts letters aside, counted as a worker counts them; their ids. */
async function putAside(
  { owner, uid }: PreparedPipeline,
  ...letters: readonly Letter[]
): Promise<readonly bigint[]> {
  const ids: bigint[] = [];
  for (const { reason, payload, increments = payload.length / 24 } of letters) {
    const { rows } = await owner.query<{ id: string }>(
      `INSERT INTO millrace.increment_dead_letters
         (pipeline, partition, incarnation, entry, reason, increments, payload)
       VALUES ($1, 1, 1, '1-1-17-0', $2, $3, $4) RETURNING id`,
      [uid, reason, increments, payload],
    );
    await owner.query(
      `UPDATE millrace.increment_partitions SET dead_letters = dead_letters + $2
       WHERE pipeline = $1 AND partition = 1`,
      [uid, increments],
    );
    ids.push(BigInt(rows[0]?.id ?? '0'));
  }
  return ids;
}

async function replay(
  { db, uid, config }: PreparedPipeline,
  options: Partial<ReplayOptions> = {},
): Promise<readonly ReplayedLetter[]> {
  const { table } = config.target;
  const letters: ReplayedLetter[] = [];
  const parts = replayDeadLetters(db, { pipeline: uid, table, isDryRun: false, ...options });
  for await (const part of parts) letters.push(...part);
  return letters;
}

function kept(version: string, payload: Buffer): Buffer {
  return Buffer.concat([Buffer.of(version.length), Buffer.from(version), payload]);
}

describe.skipIf(lacks('postgres'))('replaying dead letters', () => {
  let server: TestDatabase;
  beforeAll(async () => {
    server = await migratedDatabase();
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });

  it('adds each once, however often and by however many it is asked for', async () => {
    await using pipeline = await preparedPipeline({}, server);
    await putAside(
      pipeline,
      { reason: 'SumOverflow', payload: itemsOf([keyOf(1), 5], [keyOf(2), 1]) },
      { reason: 'RequestMismatch', payload: itemsOf([keyOf(1), 7]) },
    );

    const all = await Promise.all([replay(pipeline), replay(pipeline), replay(pipeline)]);

    expect(all.flat().map(({ outcome, added }) => [outcome, added])).toEqual([
      ['Added', 2],
      ['Added', 1],
    ]);
    expect(await pipeline.sums()).toEqual(
      new Map([
        [keyOf(1), 12n],
        [keyOf(2), 1n],
      ]),
    );
    const [, row] = await readPartitions(pipeline.db, pipeline.uid);
    expect(row).toMatchObject({ committed: 3n, deadLetters: 0n });
  });

  it('leaves what still does not fit, and adds the rest of the same letter', async () => {
    await using pipeline = await preparedPipeline({}, server);
    const { table } = pipeline.config.target;
    await pipeline.owner.query(`INSERT INTO ${table} VALUES ($1, $2, now())`, [
      keyOf(1),
      greatest - 5n,
    ]);
    await putAside(pipeline, {
      reason: 'SumOverflow',
      payload: itemsOf([keyOf(1), 6], [keyOf(2), 1], [keyOf(1), 5]),
    });

    const first = await replay(pipeline);
    expect(first).toMatchObject([{ outcome: 'Stays', why: 'SumOverflow', added: 2 }]);
    expect(await replay(pipeline)).toMatchObject([{ outcome: 'Stays', increments: 1, added: 0 }]);
    await pipeline.owner.query(`UPDATE ${table} SET value = 0 WHERE key = $1`, [keyOf(1)]);
    expect(await replay(pipeline)).toMatchObject([{ outcome: 'Added', added: 1 }]);

    expect(await pipeline.sums()).toEqual(
      new Map([
        [keyOf(1), 6n],
        [keyOf(2), 1n],
      ]),
    );
    const [, row] = await readPartitions(pipeline.db, pipeline.uid);
    expect(row).toMatchObject({ committed: 3n, deadLetters: 0n });
  });

  it('reads again what could not be read, and adds a request in it once', async () => {
    await using pipeline = await preparedPipeline({}, server);
    const request = { digest: Buffer.alloc(16, 1), payloadDigest: Buffer.alloc(16, 2) };
    const payload = kept('2', encodeRequest(request, itemsOf([keyOf(1), 5])));
    await putAside(
      pipeline,
      { reason: 'UnknownVersion', payload, increments: 2 },
      { reason: 'UnknownVersion', payload, increments: 2 },
      { reason: 'Unparsable', payload: kept('1', Buffer.from('torn')), increments: 1 },
      { reason: 'UnknownVersion', payload: kept('77', itemsOf([keyOf(1), 1])), increments: 1 },
    );

    const letters = await replay(pipeline);

    expect(letters.map(({ outcome, why }) => [outcome, why])).toEqual([
      ['Added', undefined],
      ['Repetition', undefined],
      ['Stays', 'Unparsable'],
      ['Stays', 'UnknownVersion'],
    ]);
    expect(await pipeline.sums()).toEqual(new Map([[keyOf(1), 5n]]));
    const { rowCount } = await pipeline.db.query(
      'SELECT FROM millrace.increment_requests WHERE pipeline = $1',
      [pipeline.uid],
    );
    expect(rowCount).toBe(1);
  });

  it('waits for a worker that is about to commit the same request', async () => {
    await using pipeline = await preparedPipeline({}, server);
    const { uid, owner } = pipeline;
    const request = { digest: Buffer.alloc(16, 3), payloadDigest: Buffer.alloc(16, 4) };
    const payload = kept('2', encodeRequest(request, itemsOf([keyOf(1), 5])));
    await putAside(pipeline, { reason: 'UnknownVersion', payload, increments: 1 });

    const replayed = await pipeline.open().transaction(async (tx) => {
      await tx.query(
        'UPDATE millrace.increment_partitions SET committed_at = now() WHERE pipeline = $1',
        [uid],
      );
      const waiting = replay(pipeline);
      await until('the replay waits for the row', async () => {
        const { rowCount } = await owner.query(
          `SELECT FROM pg_locks WHERE NOT granted AND pid <> pg_backend_pid()`,
        );
        return rowCount > 0;
      });
      await tx.query('INSERT INTO millrace.increment_requests VALUES ($1, $2, $3, $4, now())', [
        uid,
        request.digest,
        request.payloadDigest,
        '1-1-16-0',
      ]);
      return { waiting };
    });

    expect(await replayed.waiting).toMatchObject([{ outcome: 'Repetition', added: 0 }]);
    expect(await pipeline.sums()).toEqual(new Map());
  });

  it('changes nothing in a dry run, and takes only those that are named', async () => {
    await using pipeline = await preparedPipeline({}, server);
    const ids = await putAside(
      pipeline,
      { reason: 'SumOverflow', payload: itemsOf([keyOf(1), 1]) },
      { reason: 'SumOverflow', payload: itemsOf([keyOf(1), 10]) },
    );

    const dry = await replay(pipeline, { isDryRun: true });
    expect(dry.map(({ id, outcome }) => [id, outcome])).toEqual(ids.map((id) => [id, 'Added']));
    expect(await pipeline.sums()).toEqual(new Map());
    await replay(pipeline, { ids: ids.slice(1) });

    expect(await pipeline.sums()).toEqual(new Map([[keyOf(1), 10n]]));
    expect((await replay(pipeline, { isDryRun: true })).map(({ id }) => id)).toEqual([ids[0]]);
  });
});
