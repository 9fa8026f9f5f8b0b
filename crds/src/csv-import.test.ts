import { readFile } from 'node:fs/promises';
import { createMemoryApi } from '@millrace/operator/memory/memory-api';
import { mergePatch } from '@millrace/operator/memory/merge-patch';
import { Compile } from 'typebox/compile';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { acceptedChanges, acceptedSpecs } from '../test/csv-import/accepted.ts';
import { csvImportRefusals, refusedChanges } from '../test/csv-import-refusals.ts';
import { customResourceDefinition, structural } from './crd-yaml.ts';
import { chunkMessage, csvImportKind, podConfig, progress, spec, status } from './csv-import.ts';

const { apiVersion, kind } = csvImportKind;
const example = parse(
  await readFile(new URL('../examples/csv-import.yaml', import.meta.url), 'utf8'),
) as { readonly metadata: { readonly name: string }; readonly spec: object };

const memoryApi = () => {
  const kinds = [customResourceDefinition(csvImportKind)];
  return createMemoryApi({ now: () => 0, newUid: () => 'uid', kinds });
};

interface Given {
  readonly name?: string;
  readonly spec: unknown;
}

function importOf({ name = 'users', spec: given }: Given) {
  return { apiVersion, kind, metadata: { namespace: 'default', name }, spec: given };
}

/** What the API in memory says to an import: undefined when it takes it. */
async function refusal(given: Given): Promise<string | undefined> {
  return said(memoryApi().create(csvImportKind, importOf(given)));
}

/** What it says to a change of one that it took. */
async function refusalOfChange(from: object, patch: object): Promise<string | undefined> {
  const api = memoryApi();
  await api.create(csvImportKind, importOf({ spec: mergePatch(example.spec, from) }));
  return said(api.patch(csvImportKind, importOf({ spec: {} }).metadata, { spec: patch }));
}

async function said(answer: Promise<unknown>): Promise<string | undefined> {
  return answer.then(
    () => undefined,
    (error: Error) => error.message,
  );
}

describe('CsvImport', () => {
  test('accepts the example, also by its own types', async () => {
    expect(await refusal({ spec: example.spec })).toBeUndefined();
    expect(Compile(spec).Check(example.spec)).toBe(true);
  });

  test.each(acceptedSpecs)('accepts $what', async ({ patch }) => {
    expect(await refusal({ spec: mergePatch(example.spec, patch) })).toBeUndefined();
  });

  test.each(csvImportRefusals)('refuses $what', async ({ patch, message }) => {
    const refused = await refusal({ spec: mergePatch(example.spec, patch) });

    expect(refused).toBe(`CsvImport "users" is invalid: ${message}`);
  });

  test.each(refusedChanges)('refuses $what', async ({ from = {}, patch, message }) => {
    expect(await refusalOfChange(from, patch)).toBe(`CsvImport "users" is invalid: ${message}`);
  });

  test.each(acceptedChanges)('accepts $what', async ({ patch }) => {
    expect(await refusalOfChange({}, patch)).toBeUndefined();
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
