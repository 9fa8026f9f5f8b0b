import { describe, expect, it } from 'vitest';
import { progress } from '@millrace/crds/csv-import';
import { systemClock } from '@millrace/kit/clock';
import { Transient } from '@millrace/kit/transient';
import { Value } from 'typebox/value';
import { lacks } from '../../../test/backends.ts';
import { loadedAgain, loadedImport } from '../../../test/loaded-import.ts';
import { fixedKeys } from '../../../test/sealing-keys.ts';
import { sourceOf, type PreparedImport } from '../../../test/prepared-import.ts';
import { changeState } from '../../chunks/imports.ts';
import { sealingKeysInUse } from '../../chunks/sealing-keys.ts';
import { readTotals } from '../../chunks/totals.ts';
import { keyRingReader, type KeyRingReader } from '../../sealing/key-ring.ts';
import { gatewayReport } from '../gateway/report.ts';
import { createSink } from '../load/sink.ts';
import { verifyImport } from '../verify/verify.ts';
import { parseRepaired, type Repaired } from './exchange.ts';
import { exchangeLines, replayRejects, type ReplayedRecord } from './replay.ts';

const noKeys = keyRingReader({ read: () => undefined, clock: systemClock });

/** What `millrace rejects` writes, as lines. */
async function exported(it: PreparedImport, keys = noKeys): Promise<readonly string[]> {
  const parts: Buffer[] = [];
  for await (const part of exchangeLines(it.owner, { config: it.config, keys })) parts.push(part);
  return Buffer.concat(parts).toString().trimEnd().split('\n');
}

async function replay(
  it: PreparedImport,
  records: readonly Repaired[],
  change: { isDryRun?: boolean; withUntouched?: boolean; keys?: KeyRingReader } = {},
): Promise<readonly ReplayedRecord[]> {
  const { isDryRun = false, withUntouched = false, keys = noKeys } = change;
  const { owner, config } = it;
  const sink = createSink({ config, keys });
  const found: ReplayedRecord[] = [];
  const options = { config, owner, sink, keys, records, isDryRun, withUntouched };
  for await (const one of replayRejects(options)) found.push(one);
  return found;
}

async function rowsOf({ owner }: PreparedImport): Promise<readonly string[]> {
  const { rows } = await owner.query<{ id: string; value: string }>(
    'SELECT id, value FROM things ORDER BY id',
  );
  return rows.map(({ id, value }) => `${id},${value}`);
}

async function isVerified({ app, config, uid }: PreparedImport, keys = noKeys): Promise<unknown> {
  const sink = createSink({ config, keys });
  const report = await verifyImport({ config, db: app, sink, keys, source: sourceOf(config) });
  const { read, loaded, superseded, rejected } = await readTotals(app, uid).then((totals) => ({
    ...totals,
    loaded: totals.read - totals.superseded - totals.rejected,
  }));
  const { rows } = await app.query<{ n: number }>(
    'SELECT count(*)::int AS n FROM things_rejects WHERE import = $1',
    [uid],
  );
  expect([read, rows[0]?.n]).toEqual([loaded + superseded + rejected, rejected]);
  return report.equal || report.differences;
}

const lines = ['1,one', 'x2,two', '3,"a, b",c', 'x4,four', '5,five', '4,later', 'x5,last'];
const csv = `id,value\n${lines.join('\n')}\n`;

/** Replaces what is wrong in a line of the exchange. */
function repair(
  file: readonly string[],
  ...changes: readonly (readonly [string, string])[]
): Buffer {
  const fix = (line: string): string =>
    changes.reduce((text, [from, to]) => text.replace(from, to), line);
  return Buffer.from(`${file.map(fix).join('\r\n')}\r\n`);
}

describe.skipIf(lacks('postgres'))('rejects that were repaired', () => {
  it('load under their old positions, once, and the totals stay true', async () => {
    await using it = await loadedImport(csv);
    const file = await exported(it);
    const repaired = parseRepaired(
      repair(file, ['x2,two', '2,two'], [',c', ''], ['x4,four', '4,earlier'], ['x5', '5']),
    );

    const dry = await replay(it, repaired, { isDryRun: true });
    const untouchedRows = await rowsOf(it);
    const [first, second] = await Promise.all([replay(it, repaired), replay(it, repaired)]);

    expect(file.slice(0, 3)).toEqual([
      '_millrace_offset,_millrace_line,_millrace_reason,_millrace_column,id,value',
      '15,3,NotAnInteger,id,x2,two',
      '22,4,Ragged,,3,"a, b",c',
    ]);
    expect(dry.map(({ outcome }) => outcome)).toEqual([
      'Loaded',
      'Loaded',
      'Superseded',
      'Superseded',
    ]);
    expect(untouchedRows).toEqual(['1,one', '4,later', '5,five']);
    const once = (first ?? []).map(({ outcome }, at) => [outcome, second?.[at]?.outcome]);
    for (const pair of once) expect(pair.filter((outcome) => outcome === 'Done')).toHaveLength(1);
    expect(await rowsOf(it)).toEqual(['1,one', '2,two', '3,a, b', '4,later', '5,last']);
    expect(await isVerified(it)).toBe(true);
    expect(await exported(it)).toEqual(file.slice(0, 1));
  });

  it('make cached rows stale again where whoever replayed them may have died before', async () => {
    await using it = await loadedImport(csv);
    const records = parseRepaired(
      repair(await exported(it), ['x2,two', '2,two'], ['x5', '5']),
    ).filter(({ offset }) => offset === 15 || offset === 56);
    const { owner, config } = it;
    let bumps = 0;
    const bumpCache = async (): Promise<void> => {
      bumps += 1;
      await Promise.resolve();
      if (bumps === 2) throw new Error('killed');
    };
    const base = { config, owner, sink: createSink({ config, keys: noKeys }), keys: noKeys };
    const run = async (isDryRun = false): Promise<readonly string[]> => {
      const options = { ...base, records, isDryRun, withUntouched: false, bumpCache };
      const outcomes: string[] = [];
      for await (const { outcome } of replayRejects(options)) outcomes.push(outcome);
      return outcomes;
    };

    await expect(run()).rejects.toThrow('killed');
    const dry = await run(true);
    const after = [bumps, await run(), bumps];

    expect(dry).toEqual(['Done', 'Done']);
    expect(after).toEqual([2, ['Done', 'Done'], 3]);
  });

  it('stay as they were when they are refused again, untouched or unknown', async () => {
    await using it = await loadedImport(csv);
    const file = await exported(it);
    const repaired = parseRepaired(
      Buffer.concat([repair(file, ['x2,two', 'y2,two']), Buffer.from('7,1,Ragged,,7,seven\n')]),
    );

    const found = await replay(it, repaired);
    const again = await replay(it, repaired, { withUntouched: true });

    expect(found.map(({ offset, outcome, why }) => [offset, outcome, why])).toEqual([
      [7, 'Unknown', undefined],
      [15, 'Stays', 'NotAnInteger'],
      [22, 'Untouched', undefined],
      [33, 'Untouched', undefined],
      [56, 'Untouched', undefined],
    ]);
    expect(again.slice(2).map(({ outcome }) => outcome)).toEqual(['Stays', 'Stays', 'Stays']);
    expect(await exported(it)).toEqual(file);
    expect(await isVerified(it)).toBe(true);
  });

  it('may not repeat a key where keys may not repeat', async () => {
    await using it = await loadedImport('id,value\n1,one\nx,two\n', {
      target: { table: 'things', key: ['id'], onConflict: 'Fail', adopt: false },
    });
    const [place] = parseRepaired(repair(await exported(it)));
    const repaired = [{ offset: place?.offset ?? 0, fields: ['1', 'two'] }];

    expect(await replay(it, repaired)).toMatchObject([{ outcome: 'Stays', why: 'DuplicateKey' }]);
    expect(await isVerified(it)).toBe(true);
  });

  it('stay sealed where a column is, before and after', async () => {
    const keys = fixedKeys('k1');
    const columns = [
      { name: 'id', type: 'bigint' as const },
      { name: 'value', type: 'text' as const, sealed: true },
    ];
    await using it = await loadedImport(csv, { columns }, keys);
    const file = await exported(it, keys);
    const repaired = parseRepaired(repair(file, ['x2,two', '2,repaired']));

    const found = await replay(it, repaired, { keys });

    expect(found[0]).toMatchObject({ outcome: 'Loaded' });
    const { rows } = await it.owner.query<{ record: Buffer; record_sealed: boolean }>(
      'SELECT record, record_sealed FROM millrace.replays',
    );
    expect(rows).toMatchObject([{ record_sealed: true }]);
    expect(rows[0]?.record.toString('latin1')).not.toContain('repaired');
    expect(await isVerified(it, keys)).toBe(true);
  });

  it('are in the report of gateways from then on, which names the key that their values miss', async () => {
    const columns = [
      { name: 'id', type: 'bigint' as const },
      { name: 'value', type: 'text' as const, sealed: true },
    ];
    await using it = await loadedImport(csv, { columns }, fixedKeys('old'));
    const repaired = parseRepaired(repair(await exported(it, fixedKeys('old')), ['x2,', '2,']));
    let now = 0;
    let isAway = true;
    const dependencies = { postgres: { ok: true }, table: { ok: true } };
    const report = gatewayReport({
      config: it.config,
      reads: {
        query: async (...query) => {
          if (isAway) throw new Transient('ConnectionRefused', 'Away.', { backend: 'postgres' });
          return await it.app.query(...query);
        },
      },
      sink: createSink({ config: it.config, keys: fixedKeys('old') }),
      readiness: () => ({ dependencies }),
      clock: { ...systemClock, monotonic: () => now },
    });
    const later = async () => {
      now += 5_000;
      return await report();
    };

    expect(await later()).toBeUndefined();
    isAway = false;
    const ended = await later();
    // A rotation that was forgotten: one replay under a key that is taken out again.
    await replay(it, repaired, { keys: fixedKeys('new', 'old') });
    expect(await report()).toEqual(ended);
    const replayed = await later();
    isAway = true;
    const unread = await later();

    expect(Value.Check(progress, ended)).toBe(true);
    expect(ended).toMatchObject({
      state: 'Complete',
      totals: { read: 7, loaded: 3, rejected: 4 },
      rejectReasons: [{ reason: 'NotAnInteger', rows: 3 }, { reason: 'Ragged' }],
      backends: [{ name: 'postgres', ok: true }],
    });
    expect(ended).not.toHaveProperty('reason');
    expect(replayed).toMatchObject({
      totals: { read: 7, loaded: 4, rejected: 3 },
      rejectReasons: [{ reason: 'NotAnInteger', rows: 2 }, { reason: 'Ragged' }],
      reason: 'SealingKeyMissing',
      message: expect.stringContaining('the key new') as string,
    });
    expect(unread).toEqual(replayed);
    expect(await sealingKeysInUse(it.owner, 'things')).toEqual(['new', 'old']);
  });

  it('wait for their import, and for any other that loads the table', async () => {
    await using it = await loadedImport(csv);
    const repaired = parseRepaired(repair(await exported(it), ['x2,two', '2,two']));
    const other = await loadedAgain(it);
    const { owner, uid } = it;
    const turn = async (state: 'Loading' | 'Complete', of: string) => {
      await changeState(owner, of, { from: ['Complete', 'Loading'], to: state });
      await owner.query('UPDATE millrace.targets SET holder = $1', [of]);
    };

    await turn('Loading', uid);
    await expect(replay(it, repaired)).rejects.toMatchObject({ code: 'NotEnded' });
    await turn('Complete', uid);
    await turn('Loading', other.uid);
    await expect(replay(it, repaired)).rejects.toMatchObject({ code: 'TargetInUse' });
    await turn('Complete', other.uid);

    expect((await replay(it, repaired)).map(({ outcome }) => outcome)).toContain('Loaded');
  });
});
