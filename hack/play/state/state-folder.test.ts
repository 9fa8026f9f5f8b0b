import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Refusal } from '../refusal.ts';
import { ensureStateFolder } from './state-folder.ts';

let root = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'millrace-state-'));
});
afterEach(() => rm(root, { recursive: true }));

test('a state folder is made for its owner alone, and may be there already', async () => {
  const folder = join(root, 'a', 'b');
  await ensureStateFolder(folder);
  await ensureStateFolder(folder);

  expect((await stat(folder)).mode & 0o777).toBe(0o700);
});

test('a state folder that cannot be is refused in words', async () => {
  const file = join(root, 'file');
  await writeFile(file, '');

  const refused = ensureStateFolder(file);
  await expect(refused).rejects.toBeInstanceOf(Refusal);
  await expect(refused).rejects.toThrow(
    `The state folder ${file} cannot be written (EEXIST). Choose another with --state.`,
  );
});
