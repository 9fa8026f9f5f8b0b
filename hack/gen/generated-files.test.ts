import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { generatedFiles } from './generated-files.ts';

const root = join(import.meta.dirname, '..', '..');

test.each(generatedFiles())('$path is committed as it would be generated', async (file) => {
  expect(await readFile(join(root, file.path), 'utf8')).toBe(file.text);
});

test('the field reference names every field, what is required, and the rules', () => {
  const text = generatedFiles().find(({ path }) => path.endsWith('README.md'))?.text;

  expect(text).toContain('`spec.source.volume.path` (string, required)');
  expect(text).toContain('`spec.columns[].type` (`text` or `integer`');
  expect(text).toContain('  - source is immutable; create a new CsvImport instead');
});
