import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { systemClock } from '@millrace/kit/clock';
import { lacks } from '../../../test/backends.ts';
import { loadedAgain, loadedImport } from '../../../test/loaded-import.ts';
import { sourceOf, type PreparedImport } from '../../../test/prepared-import.ts';
import { readImport } from '../../chunks/imports.ts';
import { readTotals } from '../../chunks/totals.ts';
import { requireAgreement } from '../coordinator/ending.ts';
import { keyRingReader } from '../../sealing/key-ring.ts';
import { createSink } from '../load/sink.ts';
import { verifyImport } from '../verify/verify.ts';
import { replayRejects, type ReplayedRecord } from './replay.ts';

const keys = keyRingReader({ read: () => undefined, clock: systemClock });

/** Loads another file into the same table, as a later import under LatestWins. */
async function loadedLater(it: PreparedImport, content: string) {
  const { volume } = it.config.source;
  if (volume === undefined) throw new Error('the source is no file');
  await writeFile(join(volume.mountPath, 'later.csv'), content);
  const source = { volume: { ...volume, path: 'later.csv' } };
  const target = { ...it.config.target, onConflict: 'LatestWins' as const };
  return await loadedAgain({ ...it, config: { ...it.config, source, target } });
}

type Import = Pick<PreparedImport, 'app' | 'owner' | 'config'>;

async function replay({ config, owner }: Import, offset: number, fields: readonly string[]) {
  const sink = createSink({ config, keys });
  const found: ReplayedRecord[] = [];
  const records = [{ offset, fields }];
  const options = { config, owner, sink, keys, records, isDryRun: false, withUntouched: false };
  for await (const one of replayRejects(options)) found.push(one);
  return found;
}

/** Throws unless the tables have as many rows of the import as its ledger says. */
async function recount({ app, config }: Import): Promise<void> {
  const { uid } = config.import;
  const { seq = 0 } = (await readImport(app, uid)) ?? {};
  const counted = await createSink({ config }).recount(app, { import: uid, seq });
  requireAgreement(await readTotals(app, uid), counted);
}

async function differences({ app: db, config }: Import) {
  const options = { config, db, sink: createSink({ config }), keys, source: sourceOf(config) };
  return (await verifyImport(options)).differences;
}

describe.skipIf(lacks('postgres'))('a reject whose key a later import has loaded', () => {
  it.each(['FirstWins', 'LatestWins'] as const)(
    'leaves the row of the later import under %s, and the totals of both stay true',
    async (onConflict) => {
      await using it = await loadedImport('id,value\n1,one\nx2,repaired\n', {
        target: { table: 'things', key: ['id'], onConflict, adopt: false },
      });
      const later = { ...it, ...(await loadedLater(it, 'id,value\n2,later\n')) };

      const found = await replay(it, 'id,value\n1,one\n'.length, ['2', 'repaired']);

      const { rows } = await it.owner.query('SELECT id::int, value FROM things ORDER BY id');
      expect(found).toMatchObject([{ outcome: 'Superseded' }]);
      expect(rows).toEqual([
        { id: 1, value: 'one' },
        { id: 2, value: 'later' },
      ]);
      for (const one of [it, later]) await recount(one);
      expect(await differences(later)).toEqual([]);
      expect(await differences(it)).toEqual([]);
    },
  );
});
