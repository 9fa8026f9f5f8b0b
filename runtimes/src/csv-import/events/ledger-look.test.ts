import { describe, expect, it } from 'vitest';
import type { Sql } from '../../connectors/postgres/database.ts';
import { ledgerLook } from './ledger-look.ts';

/** A ledger that nobody writes to; each look takes `tookMs`. */
function ledger() {
  const it = { now: 1_000, tookMs: 0, looks: 0 };
  const clock = {
    now: () => it.now,
    monotonic: () => it.now,
    sleep: async () => undefined,
  };
  const query = async (): Promise<unknown> => {
    it.looks += 1;
    it.now += it.tookMs;
    return { rows: [{ snapshot: '10:10:', state: null }], rowCount: 1 };
  };
  return { it, seen: ledgerLook({ query: query as Sql['query'] }, 'uid', clock) };
}

describe('looks at the ledger', () => {
  it('serve all who ask within a moment', async () => {
    const { it: scene, seen } = ledger();

    await Promise.all([seen.look(), seen.look()]);
    scene.now += 199;
    await seen.look();
    scene.now += 1;
    await seen.look();

    expect(scene.looks).toBe(2);
  });

  it('rest for ten times as long as one took, and never longer than a second', async () => {
    const { it: scene, seen } = ledger();
    const looksAfter = async (ms: number): Promise<number> => {
      scene.now += ms;
      await seen.look();
      return scene.looks;
    };

    scene.tookMs = 50;
    await seen.look();
    scene.tookMs = 3_000;
    const afterQuick = [await looksAfter(499), await looksAfter(1)];
    const afterSlow = [await looksAfter(999), await looksAfter(1)];

    expect([afterQuick, afterSlow]).toEqual([
      [1, 2],
      [2, 3],
    ]);
  });
});
