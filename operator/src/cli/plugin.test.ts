/** The plugin's entry, on a Node that is new enough, and on one that says it is older. */
import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const plugin = fileURLToPath(new URL('../../bin/kubectl-millrace.mjs', import.meta.url));
const pretendOld =
  "data:text/javascript,Object.defineProperty(process,'versions',{value:{...process.versions,node:'20.1.0'}})";

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(...args: readonly string[]): Promise<Ended> {
  const { promise, resolve } = Promise.withResolvers<Ended>();
  execFile(process.execPath, args, (error, stdout, stderr) => {
    resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
  });
  return await promise;
}

describe('kubectl-millrace', () => {
  it('runs in the Node that it is given', async () => {
    const { code, stdout } = await run(plugin, '--help');

    expect(code).toBe(0);
    expect(stdout).toContain('Usage: kubectl-millrace');
  });

  it('runs in the locked Node where the given one is too old, with its exit code', async () => {
    const help = await run('--import', pretendOld, plugin, 'why', '--help');
    const wrong = await run('--import', pretendOld, plugin, 'why', 'pod/users');

    expect(help).toMatchObject({ code: 0, stderr: '' });
    expect(help.stdout).toContain('says what a resource waits for');
    expect(wrong).toMatchObject({ code: 64, stdout: '' });
  });

  it('says what to install where there is no other Node', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-plugin-'));
    try {
      const copy = join(folder, 'kubectl-millrace.mjs');
      await copyFile(plugin, copy);

      const { code, stderr } = await run('--import', pretendOld, copy, '--help');

      expect(code).toBe(64);
      expect(stderr).toContain('needs Node 24.11 or newer, and this is 20.1.0');
      expect(stderr).toContain('npm ci');
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
