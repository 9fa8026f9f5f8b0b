import { readFile } from 'node:fs/promises';
import { Compile } from 'typebox/compile';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { incrementPipelineKind, spec } from './increment-pipeline.ts';

const shared = ['backends', 'paused', 'suspend', 'workers'];

test('IncrementPipeline takes its example', async () => {
  const file = new URL('../examples/increment-pipeline.yaml', import.meta.url);
  const example = parse(await readFile(file, 'utf8')) as { readonly spec: unknown };

  expect([...Compile(spec).Errors(example.spec)]).toEqual([]);
});

test('IncrementPipeline asks for more than every kind does', () => {
  const own = Object.keys(spec.properties).filter((field) => !shared.includes(field));

  expect(
    own,
    'Write crds/src/increment-pipeline/spec.ts: the fields of this kind, each with a description, a bound and the rules that a server can check; then the pod configuration, and npm run gen.',
  ).not.toEqual([]);
});

test('IncrementPipeline says in one sentence what it is and promises', () => {
  expect(
    incrementPipelineKind.description,
    'Write the description in crds/src/increment-pipeline.ts, and the row in README.md.',
  ).not.toContain('say in one sentence');
});
