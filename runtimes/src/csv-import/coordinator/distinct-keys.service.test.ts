import { describe, expect, it } from 'vitest';
import { lacks } from '../../../test/backends.ts';
import { loadedImport } from '../../../test/loaded-import.ts';
import { readTotals } from '../../chunks/totals.ts';
import { requireDistinctKeys } from './distinct-keys.ts';

describe.skipIf(lacks('postgres'))('the verdict on keys', () => {
  it('names the first repetitions by both places, and no key', async () => {
    const lines = ['77,a', '78,b', '77,c', '79,d', '78,e', '77,f', '79,g', '80,h'];
    await using it = await loadedImport(`id,value\n${lines.join('\n')}\n`, {
      target: { table: 'things', key: ['id'], onConflict: 'Fail', adopt: false },
    });
    const totals = await readTotals(it.app, it.uid);
    const { config, uid } = it;

    const verdict = requireDistinctKeys({ db: it.app, uid, config }, totals);

    await expect(verdict).rejects.toMatchObject({
      code: 'DuplicateKeys',
      message: expect.stringMatching(
        /^Records whose key is held by another: 4\. The first: the record at byte 19 has the key of the one at byte 9; the record at byte 29 has the key of the one at byte 14; the record at byte 34 has the key of the one at byte 9\. /,
      ),
    });
    const latest = { target: { onConflict: 'LatestWins' } };
    await requireDistinctKeys({ db: it.app, uid, config: latest }, totals);
    await requireDistinctKeys({ db: it.app, uid, config }, { ...totals, superseded: 0 });
  });
});
