import { Compile } from 'typebox/compile';
import { describe, expect, it } from 'vitest';
import { progress } from '@millrace/crds/csv-import';
import type { Clock } from '@millrace/kit/clock';
import { Transient } from '@millrace/kit/transient';
import type { Plan } from '../../chunks/plan.ts';
import type { LedgerTotals } from '../../chunks/totals.ts';
import { standardDialect } from '../../csv/dialect.ts';
import { ProgressBoard } from './progress-board.ts';

const isProgress = Compile(progress);

function fakeClock(): Clock & { advance(ms: number): void } {
  let at = 0;
  return {
    now: () => Date.UTC(2026, 0, 1) + at,
    monotonic: () => at,
    sleep: () => Promise.resolve(),
    advance: (ms) => {
      at += ms;
    },
  };
}

const plan: Plan = {
  plannedTo: 1_000,
  nextLine: 1,
  chunks: 4,
  complete: true,
  stopping: false,
  comments: 0,
  blank: 0,
};
const totals: LedgerTotals = {
  read: 100,
  rejected: 5,
  superseded: 10,
  comments: 1,
  blank: 2,
  chunksDone: 2,
  bytesDone: 490,
};

function board(clock: Clock = fakeClock()): ProgressBoard {
  return new ProgressBoard({ clock, backends: ['postgres', 'rabbitmq'] });
}

describe('the progress of an import', () => {
  it('says that a chunk is tried by parts, unless something worse is known', () => {
    const it = board();
    it.enter('Loading');
    const before = it.snapshot();

    it.suspects({ chunk: 7, trials: 12 });
    const suspected = it.snapshot();
    it.waitFor(new Transient('Silent', 'The server did not answer.', { backend: 'postgres' }));
    const waiting = it.snapshot();
    it.enter('Loading');
    it.suspects(undefined);

    expect(before.reason).toBeUndefined();
    expect(suspected.reason).toBe('ChunkIsolated');
    expect(suspected.message).toMatch(/chunk 7.*12 trials/);
    expect(isProgress.Check(suspected)).toBe(true);
    expect(waiting.reason).toBe('Silent');
    expect(it.snapshot().reason).toBeUndefined();
  });

  it('always has the shape that the operator reads', () => {
    const it = board();
    const start = it.snapshot();
    it.pinned({
      source: { size: 1_000, modifiedNs: '1', digest: 'd' },
      headBytes: 10,
      chunkBytes: 256,
      dialect: { ...standardDialect, quote: undefined },
      findings: { confidence: 0.9, ambiguous: false, reasons: ['clear'], runnerUp: null },
      ignored: ['x'.repeat(1_000)],
    });
    it.counted(totals, plan, [{ reason: 'Ragged', rows: 5 }]);

    expect([...isProgress.Errors(start)]).toEqual([]);
    expect([...isProgress.Errors(it.snapshot())]).toEqual([]);
    expect(it.snapshot()).toMatchObject({
      totals: { read: 100, loaded: 85, superseded: 10, rejected: 5 },
      bytes: { source: 1_000, planned: 1_000, done: 500 },
      chunks: { planned: 4, done: 2, complete: true },
    });
  });

  it('keeps since when a backend is away while the reason changes', () => {
    const clock = fakeClock();
    const it = board(clock);
    it.backendOk('postgres');
    clock.advance(1_000);
    it.backendFailed(new Transient('ConnectionRefused', 'Refused.', { backend: 'postgres' }));
    clock.advance(1_000);
    it.backendFailed(new Transient('StartingUp', 'Starting.', { backend: 'postgres' }));

    expect(it.snapshot().backends[0]).toEqual({
      name: 'postgres',
      ok: false,
      reason: 'StartingUp',
      message: 'Starting.',
      since: '2026-01-01T00:00:01.000Z',
    });
  });

  it('measures rows a second over the last ten seconds', () => {
    const clock = fakeClock();
    const it = board(clock);
    for (const read of [0, 1_000_000, 1_001_000, 1_002_000]) {
      it.counted({ ...totals, read }, plan, []);
      clock.advance(6_000);
    }

    expect(it.snapshot().rowsPerSecond).toBe(Math.round(1_000 / 6));
  });

  it('fits into a termination message whatever it holds', () => {
    const it = board();
    it.enter('Failed', { reason: 'TooManyRejects', message: 'ü'.repeat(5_000) });
    it.pinned({
      source: { size: 1, modifiedNs: '1', digest: 'd' },
      headBytes: 0,
      chunkBytes: 1,
      dialect: standardDialect,
      ignored: Array.from({ length: 64 }, (_, n) => `${n}${'c'.repeat(120)}`),
    });
    it.counted(
      totals,
      plan,
      Array.from({ length: 16 }, (_, n) => ({ reason: `R${n}`, rows: n })),
    );
    const message = it.terminationMessage();

    expect(Buffer.byteLength(message)).toBeLessThanOrEqual(4_096);
    expect([...isProgress.Errors(JSON.parse(message))]).toEqual([]);
    expect(JSON.parse(message)).toMatchObject({ reason: 'TooManyRejects', totals: { read: 100 } });
  });
});
