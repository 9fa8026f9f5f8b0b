import { readFile } from 'node:fs/promises';
import { createMemoryApi } from '@millrace/operator/memory/memory-api';
import { mergePatch } from '@millrace/operator/memory/merge-patch';
import { Compile } from 'typebox/compile';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { csvImportRefusals } from '../test/csv-import-refusals.ts';
import { customResourceDefinition, structural } from './crd-yaml.ts';
import { chunkMessage, csvImportKind, podConfig, progress, spec, status } from './csv-import.ts';
import { apiVersion } from './define-kind.ts';

const { kind, plural } = csvImportKind;
const example = parse(
  await readFile(new URL('../examples/csv-import.yaml', import.meta.url), 'utf8'),
) as { readonly metadata: { readonly name: string }; readonly spec: object };

/** What the API in memory says to an import: undefined when it takes it. */
async function refusal(given: {
  readonly name?: string;
  readonly spec: unknown;
}): Promise<string | undefined> {
  const kinds = [customResourceDefinition(csvImportKind)];
  const api = createMemoryApi({ now: () => 0, newUid: () => 'uid', kinds });
  const metadata = { namespace: 'default', name: given.name ?? 'users' };
  const object = { apiVersion, kind, metadata, spec: given.spec };
  return api.create({ apiVersion, kind, plural }, object).then(
    () => undefined,
    (error: Error) => error.message,
  );
}

describe('CsvImport', () => {
  test('accepts the example, also by its own types', async () => {
    expect(await refusal({ spec: example.spec })).toBeUndefined();
    expect(Compile(spec).Check(example.spec)).toBe(true);
  });

  test.each([
    ['the least that can be asked', { columns: null, serve: null, target: { key: null } }],
    ['a key without listed columns', { columns: null, serve: null }],
    ['sizes in bytes and in units', { chunkBytes: 1024, maxRecordBytes: '64Mi' }],
    ['positions for headers', { columns: [{ name: 'id', from: 0, type: 'bigint' }], serve: null }],
    [
      'a date pattern',
      { columns: [{ name: 'id', type: 'date', format: 'dd.MM.yyyy' }], serve: null },
    ],
    ['a tab', { format: { delimiter: '\t', comment: '#' } }],
    ['a path with dots in names', { source: { volume: { path: 'a..b/.c/d...csv' } } }],
  ])('accepts %s', async (_what, patch) => {
    expect(await refusal({ spec: mergePatch(example.spec, patch) })).toBeUndefined();
  });

  test.each(csvImportRefusals)('refuses $what', async ({ patch, message }) => {
    const refused = await refusal({ spec: mergePatch(example.spec, patch) });

    expect(refused).toBe(`CsvImport "users" is invalid: ${message}`);
  });

  test('reports every problem of a spec at once', async () => {
    const patch = { tarjet: {}, workers: { max: 65 }, target: { table: 'Users' } };

    const refused = await refusal({ spec: mergePatch(example.spec, patch) });

    expect(refused).toContain('unknown field "spec.tarjet"');
    expect(refused).toContain('spec.workers.max: must be from 1 to 64');
    expect(refused).toContain('spec.target.table: must match');
  });

  test.each(['1users', 'my.users', `u${'s'.repeat(50)}`])(
    'refuses the name %s, which its children could not bear',
    async (name) => {
      const refused = await refusal({ name, spec: example.spec });

      expect(refused).toContain('metadata.name must start with a letter and be at most 50');
    },
  );

  test('accepts a name of 50 characters', async () => {
    expect(await refusal({ name: 'u'.repeat(50), spec: example.spec })).toBeUndefined();
  });
});

/** What users, pods and the operator agreed on: a change here is a change of the contract. */
describe('the contract', () => {
  test.each([
    ['spec', spec],
    ['status', status],
    ['pod config', podConfig],
    ['progress', progress],
    ['chunk message', chunkMessage],
  ])('has a golden %s', (_part, schema) => {
    expect(structural(schema)).toMatchSnapshot();
  });
});
