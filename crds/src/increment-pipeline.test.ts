import { describe, expect, test } from 'vitest';
import { incrementPipelineTables } from '../test/increment-pipeline/tables.ts';
import { judgedInMemory } from '../test/judged-in-memory.ts';
import { structural } from './crd-yaml.ts';
import { podConfig, progress, spec, status } from './increment-pipeline.ts';

await judgedInMemory(incrementPipelineTables);

/** What users, pods and the operator agreed on: a change here is a change of the contract. */
describe('the contract', () => {
  test.each([
    ['spec', spec],
    ['status', status],
    ['pod config', podConfig],
    ['progress', progress],
  ])('has a golden %s', (_part, schema) => {
    expect(structural(schema)).toMatchSnapshot();
  });
});
