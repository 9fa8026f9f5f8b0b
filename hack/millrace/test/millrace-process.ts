/** `millrace` as a process of its own, without settings of a developer's running system. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ownEnvironment } from '../../play/test/play-process.ts';

const main = fileURLToPath(new URL('../main.ts', import.meta.url));
/** Compiled code is kept between the many processes of these tests: it halves their work. */
const compileCache = fileURLToPath(
  new URL('../../../.millrace/test/compile-cache', import.meta.url),
);

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Surroundings {
  /** Where `.env` and `.millrace` are looked for. */
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
}

export async function millrace(
  args: readonly string[],
  { cwd, env }: Surroundings,
): Promise<Ended> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [main, ...args],
      { cwd, env: { ...ownEnvironment(), NODE_COMPILE_CACHE: compileCache, ...env } },
      (_, stdout, stderr) => resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}
