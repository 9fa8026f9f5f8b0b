import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { generatedFiles } from './generated-files.ts';

const root = join(import.meta.dirname, '..', '..');

test.each(generatedFiles())('$path is committed as it would be generated', async (file) => {
  expect(await readFile(join(root, file.path), 'utf8')).toBe(file.text);
});

test.each(generatedFiles().filter(({ path }) => path.endsWith('.yaml')))(
  '$path means the same to readers of YAML 1.1, to whom a bare Off is a boolean',
  ({ text }) => {
    expect(parse(text, { version: '1.1' })).toEqual(parse(text));
  },
);

test('the field reference names every field, what is required, and the rules', () => {
  const text = generatedFiles().find(({ path }) => path.endsWith('README.md'))?.text;

  expect(text).toContain('`spec.source.volume.path` (string, required)');
  expect(text).toContain('`spec.columns[].type` (`text` or `integer`');
  expect(text).toContain('  - source is immutable; create a new CsvImport instead');
  expect(text).toContain('`status.waiting[].since` (string, required)');
  expect(text).toContain('`status.intent.epoch` (integer, required)');
});
