import { describe, expect, test } from 'vitest';
import { mergePatch } from '@millrace/operator/memory/merge-patch';
import { csvImportTables } from '../test/csv-import/tables.ts';
import { judgedInMemory, refusedInMemory } from '../test/judged-in-memory.ts';
import { exampleOf } from '../test/kind-tables.ts';
import { structural } from './crd-yaml.ts';
import { chunkMessage, csvImportKind, podConfig, progress, spec, status } from './csv-import.ts';

await judgedInMemory(csvImportTables);

test('reports every problem of a spec at once', async () => {
  const example = await exampleOf(csvImportKind);
  const patch = { tarjet: {}, workers: { max: 65 }, target: { table: 'Users' } };

  const refused = await refusedInMemory(csvImportTables)({ spec: mergePatch(example.spec, patch) });

  expect(refused).toContain('unknown field "spec.tarjet"');
  expect(refused).toContain('spec.workers.max: must be from 1 to 64');
  expect(refused).toContain('spec.target.table: must match');
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
