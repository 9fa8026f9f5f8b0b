import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const run = promisify(execFile);
const main = join(import.meta.dirname, 'main.ts');

test('gen says how it is used, and refuses options that it does not know', async () => {
  const { stdout } = await run(process.execPath, [main, '--help']);
  const unknown = run(process.execPath, [main, '--chekc']);

  expect(stdout).toContain('npm run gen -- [--check]');
  await expect(unknown).rejects.toMatchObject({ code: 1 });
});

test('gen --check finds the committed files up to date', async () => {
  const { stdout } = await run(process.execPath, [main, '--check']);

  expect(stdout).toBe('');
});
