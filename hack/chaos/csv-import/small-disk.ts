/**
 * A file system of its own under Postgres that can be made to be full: a tmpfs in a mount namespace
 * that only this run sees and that goes with it.
 *
 * It is filled by making it smaller, not by writing to it, so that a full disk costs no memory.
 */
import { spawn } from 'node:child_process';
import { cp, mkdir, rename, statfs, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '../../backends/command.ts';

/** Set in the process that has the namespace. */
const mark = 'CHAOS_MOUNTS';
const bytes = 6_000_000_000;
/** Some pages are taken between the look and the remount. */
const slackBytes = 262_144;
const fillTries = 20;
/** Of the system, like mount. */
const namespaceProgram = 'unshare';
const parentDeath = fileURLToPath(
  new URL('../../play/supervisor/parent-death.ts', import.meta.url),
);

export function hasOwnMounts(): boolean {
  return process.env[mark] !== undefined;
}

/** Runs this program again in a mount namespace of its own; its exit code. */
export async function inOwnMounts(): Promise<number> {
  const isRoot = process.getuid?.() === 0;
  const namespaces = isRoot ? ['--mount'] : ['--user', '--map-root-user', '--mount'];
  const again = [process.execPath, '--import', parentDeath, ...process.argv.slice(1)];
  const child = spawn(namespaceProgram, [...namespaces, '--', ...again], {
    // The pipe is how it ends with us, by whatever signal.
    stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
    env: { ...process.env, [mark]: '1' },
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  return await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

export class SmallDisk {
  readonly #path: string;

  private constructor(path: string) {
    this.#path = path;
  }

  static async mount(path: string): Promise<SmallDisk> {
    await mkdir(path, { mode: 0o700 });
    await mountWith(['-t', 'tmpfs', '-o', `size=${String(bytes)},mode=0700`, 'tmpfs', path]);
    return new SmallDisk(path);
  }

  /** Moves a folder here and leaves a link where it was. */
  async take(folder: string): Promise<void> {
    const there = join(this.#path, 'data');
    await cp(folder, there, { recursive: true, preserveTimestamps: true });
    await rename(folder, `${folder}.moved`);
    await symlink(there, folder);
  }

  /** Leaves no room but a little; throws when the system has no way to. */
  async fill(): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      const { blocks, bfree, bsize } = await statfs(this.#path);
      const used = (blocks - bfree) * bsize;
      try {
        await this.#resize(used + slackBytes * tries);
        return;
      } catch (error) {
        if (tries === fillTries) throw error;
      }
    }
  }

  async clear(): Promise<void> {
    await this.#resize(bytes);
  }

  /** When nobody uses it any more. */
  async unmount(): Promise<void> {
    await run('umount', ['-n', this.#path], { env: { PATH: process.env['PATH'] } });
  }

  async #resize(size: number): Promise<void> {
    await mountWith(['-o', `remount,size=${String(size)}`, this.#path]);
  }
}

/** Without `-n` it would write to a table that all of the host shares. */
async function mountWith(args: readonly string[]): Promise<void> {
  await run('mount', ['-n', ...args], { env: { PATH: process.env['PATH'] } });
}
