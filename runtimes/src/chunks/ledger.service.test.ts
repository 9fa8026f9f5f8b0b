import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createLog } from '@millrace/kit/log';
import { lacks } from '../../test/backends.ts';
import { database } from '../../test/database.ts';
import { importDatabase } from '../../test/import-database.ts';
import { until } from '../../test/until.ts';
import { connectionsFor } from '../connectors/postgres/connections-free.ts';
import { openDatabase, type Database } from '../connectors/postgres/database.ts';
import { beginAttempt, endAttempt } from './attempts.ts';
import { claimChunk, finishChunk, type ChunkResult } from './claim.ts';
import { readCrew } from './crew.ts';
import {
  changeState,
  pinImport,
  readImport,
  registerImport,
  reopenImport,
  setStopping,
} from './imports.ts';
import { appendChunks, readPlan, type CutChunk } from './plan.ts';
import { deathsMin } from './poison.ts';
import { refusedChunk } from './refused.ts';
import { LostChunks } from './republish.ts';
import { acquireTarget, beatTarget, releaseTarget } from './targets.ts';
import { readReasons, readTotals } from './totals.ts';
import { beginTrial, suspectChunk } from './trials.ts';

const log = createLog({ level: 'silent', bindings: {}, fd: 2 });

interface Ledger extends AsyncDisposable {
  readonly db: Database;
  /** A registered import of the table `t`. */
  add(): Promise<string>;
  /** The same, holding its table, with chunks of ten bytes from byte 0 on. */
  loading(chunks: number): Promise<string>;
}

function cut(count: number, from = 0): CutChunk[] {
  return Array.from({ length: count }, (_, n) => ({
    offset: from + n * 10,
    length: 10,
    firstLine: n + 1,
    tooLong: false,
  }));
}

async function ledger(): Promise<Ledger> {
  const server = await importDatabase();
  const db = openDatabase({ url: () => server.appUrl, applicationName: 'test', max: 6, log });
  const add = async (): Promise<string> => {
    const uid = randomUUID();
    const it = { uid, namespace: 'n', name: 'i', target: 't', chunkBytes: 10 };
    await db.transaction((tx) => registerImport(tx, it));
    return uid;
  };
  return {
    db,
    add,
    loading: async (chunks) => {
      const uid = await add();
      await db.transaction((tx) => acquireTarget(tx, uid));
      await db.transaction((tx) =>
        pinImport(tx, uid, {
          source: {},
          dialect: {},
          header: {},
          columns: {},
          targetWasEmpty: true,
          dataStart: 0,
          firstLine: 1,
          comments: 3,
          blank: 4,
        }),
      );
      const addition = { chunks: cut(chunks), nextLine: chunks + 1, complete: true };
      await db.transaction((tx) => appendChunks(tx, uid, addition));
      return uid;
    },
    [Symbol.asyncDispose]: async () => {
      await db[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

const result: ChunkResult = {
  path: 'merge',
  read: 10,
  rejected: 3,
  superseded: 2,
  comments: 1,
  blank: 1,
  reasons: { Ragged: 2, BadNumber: 1 },
};

async function work(db: Database, uid: string, chunk: number): Promise<string> {
  return await db.transaction(async (tx) => {
    const claim = await claimChunk(tx, { import: uid, chunk }, 'w');
    if (!claim.claimed) return claim.why;
    await finishChunk(tx, claim.chunk, result);
    return 'Loaded';
  });
}

describe.skipIf(lacks('postgres'))('a claim', () => {
  it('is given once, however many ask at the same time', async () => {
    await using it = await ledger();
    const uid = await it.loading(1);

    const outcomes = await Promise.all(Array.from({ length: 5 }, () => work(it.db, uid, 0)));

    expect(outcomes.toSorted()).toEqual(['Done', 'Done', 'Done', 'Done', 'Loaded']);
    expect(await readTotals(it.db, uid)).toEqual({
      read: 10,
      rejected: 3,
      superseded: 2,
      comments: 4,
      blank: 5,
      chunksDone: 1,
      bytesDone: 10,
    });
    expect(await readReasons(it.db, uid)).toEqual([
      { reason: 'Ragged', rows: 2 },
      { reason: 'BadNumber', rows: 1 },
    ]);
  });

  it('is free again when the transaction that held it fails', async () => {
    await using it = await ledger();
    const uid = await it.loading(1);

    const failing = it.db.transaction(async (tx) => {
      await claimChunk(tx, { import: uid, chunk: 0 }, 'w');
      throw new Error('died');
    });

    await expect(failing).rejects.toThrow('died');
    expect(await work(it.db, uid, 0)).toBe('Loaded');
  });

  it('is refused for what does not exist and for an import that takes no more', async () => {
    await using it = await ledger();
    const uid = await it.loading(2);

    expect(await work(it.db, randomUUID(), 0)).toBe('Unknown');
    expect(await work(it.db, uid, 7)).toBe('Unknown');
    await setStopping(it.db, uid, true);
    expect(await work(it.db, uid, 0)).toBe('Ended');
    await setStopping(it.db, uid, false);
    await changeState(it.db, uid, { from: ['Loading'], to: 'Failed', reason: 'TooManyRejects' });
    expect(await work(it.db, uid, 0)).toBe('Ended');
  });

  it('keeps the import from ending until its transaction has ended', async () => {
    await using it = await ledger();
    const uid = await it.loading(1);
    const order: string[] = [];
    const release = Promise.withResolvers<void>();
    const claimed = Promise.withResolvers<void>();

    const loading = it.db.transaction(async (tx) => {
      await claimChunk(tx, { import: uid, chunk: 0 }, 'w');
      claimed.resolve();
      await release.promise;
      order.push('committed');
    });
    await claimed.promise;
    const ending = changeState(it.db, uid, { from: ['Loading'], to: 'Failed' }).then(() =>
      order.push('ended'),
    );
    await until('the end waits for a lock', async () => {
      const { rowCount } = await it.db.query(
        `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`,
      );
      return rowCount > 0;
    });
    release.resolve();
    await Promise.all([loading, ending]);

    expect(order).toEqual(['committed', 'ended']);
  });
});

describe.skipIf(lacks('postgres'))('a plan', () => {
  it('is one plan, also when two coordinators cut the same source', async () => {
    await using it = await ledger();
    const uid = await it.loading(0);
    await it.db.query('UPDATE millrace.plans SET plan_complete = false');
    const append = (chunks: CutChunk[], complete: boolean): Promise<unknown> =>
      it.db.transaction((tx) => appendChunks(tx, uid, { chunks, nextLine: 9, complete }));

    await append(cut(3), false);
    await Promise.all([append(cut(5), false), append(cut(4), false), append(cut(5), true)]);
    await append(cut(9), true);

    const { rows } = await it.db.query(
      'SELECT chunk, "offset" FROM millrace.chunks ORDER BY chunk',
    );
    expect(rows).toEqual(cut(5).map(({ offset }, chunk) => ({ chunk, offset: String(offset) })));
    expect(await readPlan(it.db, uid)).toMatchObject({ chunks: 5, plannedTo: 50, complete: true });
  });
});

describe.skipIf(lacks('postgres'))('lost chunks', () => {
  it('are those that no message and no worker holds, on two looks in a row', async () => {
    await using it = await ledger();
    const uid = await it.loading(3);
    let ready = 1;
    const lost = new LostChunks({ db: it.db, uid, readyCount: () => Promise.resolve(ready) });
    const find = async (): Promise<number[]> => (await lost.find()).map(({ chunk }) => chunk);

    expect(await find()).toEqual([]);
    ready = 0;
    expect(await find()).toEqual([]);
    await work(it.db, uid, 0);
    const found = await it.db.transaction(async (tx) => {
      await claimChunk(tx, { import: uid, chunk: 1 }, 'w');
      return await find();
    });

    expect(found).toEqual([2]);
  });
});

describe.skipIf(lacks('postgres'))('a table', () => {
  it('is held by one import at a time, numbered in the order of holding', async () => {
    await using it = await ledger();
    const [first, second] = [await it.add(), await it.add()];
    const acquire = (uid: string) => it.db.transaction((tx) => acquireTarget(tx, uid));

    expect(await acquire(second)).toEqual({ outcome: 'Held', seq: 1 });
    expect(await acquire(second)).toEqual({ outcome: 'Held', seq: 1 });
    expect(await acquire(first)).toMatchObject({ outcome: 'InUse', holder: { uid: second } });
    await releaseTarget(it.db, second);
    expect(await acquire(first)).toEqual({ outcome: 'Held', seq: 2 });
    await releaseTarget(it.db, first);
    expect(await acquire(second)).toEqual({ outcome: 'Lost' });
  });

  it('is taken over only from a holder with exactly the beat that was watched', async () => {
    await using it = await ledger();
    const holder = await it.loading(1);
    const taker = await it.add();
    const seen = await it.db.transaction((tx) => acquireTarget(tx, taker));
    const stale = seen.outcome === 'InUse' ? seen.holder : undefined;
    const take = () => it.db.transaction((tx) => acquireTarget(tx, taker, stale));

    await beatTarget(it.db, holder);
    const refused = await take();
    await it.db.query('UPDATE millrace.targets SET beat = $1', [stale?.beat]);
    const taken = await take();

    expect(refused.outcome).toBe('InUse');
    expect(taken).toEqual({ outcome: 'Held', seq: 2 });
    expect((await readImport(it.db, holder))?.state).toBe('Lost');
    expect(await work(it.db, holder, 0)).toBe('Ended');
    expect(await beatTarget(it.db, holder)).toBe(false);
  });
});

describe.skipIf(lacks('postgres'))('attempts', () => {
  it('call a chunk refused after five failures of its own, not for backends or the source', async () => {
    await using it = await ledger();
    const uid = await it.loading(3);
    const fail = async (chunk: number, outcome: string): Promise<void> => {
      for (let times = 0; times < 5; times += 1) {
        const begun = await beginAttempt(it.db, { import: uid, chunk }, { worker: 'w' });
        await endAttempt(it.db, begun?.attempt ?? '', outcome);
      }
    };

    await fail(0, 'Transient:ConnectionLost');
    await fail(1, 'Permanent:SourceChanged');
    const before = await refusedChunk(it.db, uid);
    await fail(2, 'Permanent:Data:22P02');

    expect(before).toBeUndefined();
    expect(await refusedChunk(it.db, uid)).toEqual({
      chunk: 2,
      outcome: 'Permanent:Data:22P02',
      times: 5,
    });
    expect(
      await beginAttempt(it.db, { import: randomUUID(), chunk: 0 }, { worker: 'w' }),
    ).toBeUndefined();
  });

  it('that failed an import are forgotten when it is tried again, but not those of loaded chunks', async () => {
    await using it = await ledger();
    const uid = await it.loading(2);
    const end = async (chunk: number, outcome: string): Promise<void> => {
      const begun = await beginAttempt(it.db, { import: uid, chunk }, { worker: 'w' });
      await endAttempt(it.db, begun?.attempt ?? '', outcome);
    };
    for (let times = 0; times < 5; times += 1) await end(0, 'Permanent:KillsTogether');
    await it.db.transaction((tx) => claimChunk(tx, { import: uid, chunk: 1 }, 'w'));
    await end(1, 'Loaded');
    const change = { from: ['Loading'], to: 'Failed', reason: 'ChunkRefused' } as const;
    await changeState(it.db, uid, change);

    await it.db.transaction((tx) => reopenImport(tx, uid));

    const { rows } = await it.db.query('SELECT chunk, outcome FROM millrace.attempts');
    expect(rows).toEqual([{ chunk: 1, outcome: 'Loaded' }]);
    expect(await refusedChunk(it.db, uid)).toBeUndefined();
  });

  it('of which three were not heard of again make a chunk suspect until it is loaded', async () => {
    await using it = await ledger();
    const uid = await it.loading(2);
    const ref = { import: uid, chunk: 1 };

    const unheard = [];
    for (let times = 0; times < deathsMin; times += 1) {
      unheard.push((await beginAttempt(it.db, ref, { worker: 'w' }))?.unheard);
    }
    await beginTrial(it.db, ref, { worker: 'w', from: 0, to: 5 });
    const suspect = await suspectChunk(it.db, uid);
    const next = await beginAttempt(it.db, ref, { worker: 'w' });
    await it.db.transaction((tx) => claimChunk(tx, ref, 'w'));

    expect(unheard).toEqual([0, 1, 2]);
    expect(suspect).toEqual({ chunk: 1, trials: 1 });
    expect(next?.unheard).toBe(deathsMin);
    expect(await suspectChunk(it.db, uid)).toBeUndefined();
  });
});

describe.skipIf(lacks('postgres'))('workers', () => {
  it('say with an attempt how they get on, and are not counted when they are gone', async () => {
    await using it = await ledger();
    const uid = await it.loading(3);
    const ref = { import: uid, chunk: 0 };
    const report = { chunkMs: 400, commitMs: 12, usualMs: 10, share: 1 };

    expect(await readCrew(it.db, uid)).toMatchObject({ workers: 0, shares: 0 });
    for (const share of [0.5, 1]) {
      await beginAttempt(it.db, ref, { worker: 'a', report: { ...report, share } });
    }
    await beginAttempt(it.db, ref, {
      worker: 'b',
      report: { ...report, chunkMs: 800, share: 0.5 },
    });
    const both = await readCrew(it.db, uid);
    await it.db.query(
      `UPDATE millrace.crew SET seen_at = now() - interval '1 minute' WHERE worker = 'b'`,
    );

    expect(both).toEqual({ workers: 2, shares: 1.5, chunkMs: 600, commitMs: 12, usualMs: 10 });
    expect(await readCrew(it.db, uid)).toMatchObject({ workers: 1, shares: 1, chunkMs: 400 });
    const unknown = { import: randomUUID(), chunk: 0 };
    expect(await beginAttempt(it.db, unknown, { worker: 'a', report })).toBeUndefined();
  });

  it('end an attempt once: a commit whose answer is lost stays the end of it', async () => {
    await using it = await ledger();
    const uid = await it.loading(1);
    const begun = await beginAttempt(it.db, { import: uid, chunk: 0 }, { worker: 'a' });
    const ends = async () =>
      (await it.db.query('SELECT outcome, ended_at::text AS at FROM millrace.attempts')).rows;

    await it.db.transaction((tx) => endAttempt(tx, begun?.attempt ?? '', 'Loaded'));
    const [committed] = await ends();
    await endAttempt(it.db, begun?.attempt ?? '', 'Transient:ConnectionLost');

    expect(committed).toMatchObject({ outcome: 'Loaded' });
    expect(await ends()).toEqual([committed]);
  });

  it('may have the connections they hold, and those that are free', async () => {
    await using server = await database();
    const url = new URL(server.ownerUrl);
    const open = (): Database =>
      openDatabase({ url: () => url.href, applicationName: 'own', max: 3, log });
    await using db = open();
    await db.query(`ALTER DATABASE "${url.pathname.slice(1)}" CONNECTION LIMIT 7`);

    const [own, others] = await db.session(async (session) => [
      await connectionsFor(session, 'own'),
      await db.session((second) => connectionsFor(second, 'others')),
    ]);

    expect(own).toBe(7);
    expect(others).toBe(5);
  });
});
