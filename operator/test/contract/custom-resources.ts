/** Custom resources: defaults, strict fields, rules, and messages that name field and remedy. */
import { beforeEach, describe, expect, test } from 'vitest';
import type { KubeApi } from '../../src/machinery/kube-api.ts';
import { csvImport, csvImports, name, type MakeTarget } from './target.ts';

const one = { fieldManager: 'one' };

export function customResourcesContract(makeTarget: MakeTarget): void {
  describe('custom resources', () => {
    let api: KubeApi;
    let namespace: string;
    const ref = () => ({ namespace, name });

    beforeEach(async () => {
      ({ api, namespace } = await makeTarget());
    });

    test('say by their status that nobody has looked at them yet', async () => {
      await api.create(csvImports, csvImport(namespace));

      expect((await api.get(csvImports, ref()))?.['status']).toEqual({ observedGeneration: -1 });
    });

    test('say so to everyone at once, whatever status the writer sends and however it writes', async () => {
      const unseen = { observedGeneration: -1 };
      const status = { observedGeneration: 7, percent: 50 };
      const { resourceVersion } = await api.list(csvImports, { namespace });
      const watching = new AbortController();
      const options = { namespace, resourceVersion, signal: watching.signal };
      const events = api.watch(csvImports, options)[Symbol.asyncIterator]();

      const applied = await api.apply(csvImports, { ...csvImport(namespace), status }, one);
      const other = { ...csvImport(namespace), status };
      const created = await api.create(csvImports, {
        ...other,
        metadata: { ...other.metadata, name: 'other' },
      });
      const { items } = await api.list(csvImports, { namespace });
      const first = await events.next();
      watching.abort();

      expect(applied['status']).toEqual(unseen);
      expect(created['status']).toEqual(unseen);
      expect(items.map((item) => item['status'])).toEqual([unseen, unseen]);
      expect(first.value).toMatchObject({ type: 'ADDED', object: { status: unseen } });
    });

    test('say so again when the whole status is taken away', async () => {
      await api.create(csvImports, csvImport(namespace));
      const seen = { ...csvImport(namespace), status: { observedGeneration: 1, percent: 5 } };
      await api.applyStatus(csvImports, seen, one);

      await api.applyStatus(csvImports, { ...seen, status: {} }, one);

      expect((await api.get(csvImports, ref()))?.['status']).toEqual({ observedGeneration: -1 });
    });

    test.each([
      ['an unknown field', { tarjet: {} }, 'spec.tarjet'],
      ['a wrong type', { suspend: 'yes' }, 'spec.suspend'],
      ['a value outside its bounds', { workers: { max: 65 } }, 'spec.workers.max'],
      ['a value outside its set', { cache: { mode: 'On' } }, 'spec.cache.mode'],
      ['a missing field', { target: {} }, 'spec.target.table'],
      ['a wrong form', { target: { table: 'Users' } }, 'spec.target.table'],
      ['a broken rule', { workers: { min: 3, max: 2 } }, 'spec.workers'],
      ['a size out of its range', { chunkBytes: '1Gi' }, 'spec.chunkBytes'],
    ])('refuse %s and name the field', async (_what, spec, field) => {
      const create = api.create(csvImports, csvImport(namespace, spec));

      await expect(create).rejects.toMatchObject({
        reason: 'Invalid',
        message: expect.stringContaining(field) as string,
      });
      expect(await api.get(csvImports, ref())).toBeUndefined();
    });

    test('refuse an unknown field also in a patch, an apply and a status', async () => {
      await api.create(csvImports, csvImport(namespace));
      const wrong = csvImport(namespace, { tarjet: 1 });
      const status = { observedGeneration: 1, persent: 1 };

      const writes = await Promise.allSettled([
        api.patch(csvImports, ref(), { spec: { tarjet: 1 } }),
        api.apply(csvImports, wrong, one),
        api.applyStatus(csvImports, { ...csvImport(namespace), status }, one),
      ]);

      const refused = { status: 'rejected', reason: { reason: 'Invalid' } };
      expect(writes).toMatchObject([refused, refused, refused]);
    });

    test.each([
      ['changed', { target: { table: 'others' } }],
      ['added', { format: { header: 'Absent' } }],
    ])('refuse an immutable field that is %s, with what to do instead', async (_what, spec) => {
      await api.create(csvImports, csvImport(namespace));

      const change = api.patch(csvImports, ref(), { spec });

      await expect(change).rejects.toMatchObject({
        reason: 'Invalid',
        message: expect.stringContaining('immutable; create a new CsvImport instead') as string,
      });
    });

    test('refuse another order of columns', async () => {
      const columns = [
        { name: 'id', type: 'bigint' },
        { name: 'title', type: 'text' },
      ];
      await api.create(csvImports, csvImport(namespace, { columns }));

      const spec = { columns: columns.toReversed() };
      const reorder = api.patch(csvImports, ref(), { spec });

      await expect(reorder).rejects.toMatchObject({
        reason: 'Invalid',
        message: expect.stringContaining('columns and their order are immutable') as string,
      });
    });

    test('refuse the removal of an immutable field', async () => {
      await api.create(csvImports, csvImport(namespace, { chunkBytes: '1Mi' }));

      const removal = api.patch(csvImports, ref(), { spec: { chunkBytes: null } });

      await expect(removal).rejects.toMatchObject({ reason: 'Invalid' });
    });

    test('accept a change of what may change', async () => {
      await api.create(csvImports, csvImport(namespace, { format: { header: 'Absent' } }));

      const spec = { workers: { min: 1, max: 2 }, suspend: true, rejects: { maxRows: 5 } };
      const patched = await api.patch(csvImports, ref(), { spec });

      expect(patched['spec']).toMatchObject(spec);
    });
  });
}
