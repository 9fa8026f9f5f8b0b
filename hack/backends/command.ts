/** Short-lived commands: find them on PATH, run them with a deadline, keep what they said. */
import { spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

export interface RunOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  readonly input?: string;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  onLine?(line: string): void;
}

/** The first executable of that name on the PATH of the given environment. */
export async function findProgram(
  name: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> {
  for (const folder of (env['PATH'] ?? '').split(delimiter)) {
    if (folder === '') continue;
    const path = join(folder, name);
    try {
      await access(path, constants.X_OK);
      return path;
    } catch {
      // Not here; look in the next folder.
    }
  }
  return undefined;
}

/** The end of a program's output, which is where it says what went wrong. */
export function lastLines(text: string, count: number): string {
  return text.trimEnd().split('\n').slice(-count).join('\n');
}

/** Resolves to standard output; rejects with the last lines of what the command printed. */
export async function run(
  file: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const child = spawn(file, args, {
    env: { ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: options.timeoutMs ?? 60_000,
    killSignal: 'SIGKILL',
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  let output = '';
  let everything = '';
  const take = (chunk: string, isOutput: boolean): void => {
    if (isOutput) output += chunk;
    everything += chunk;
    for (const line of chunk.split('\n')) if (line.trim() !== '') options.onLine?.(line.trim());
  };
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => take(chunk, true));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => take(chunk, false));
  // A command that ends without reading its input breaks the pipe; its exit status tells more.
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');

  const { promise, resolve, reject } = Promise.withResolvers<string>();
  child.on('error', reject);
  child.on('close', (code, signal) => {
    if (code === 0) resolve(output);
    else reject(new Error(`${file} ended with ${code ?? signal}:\n${lastLines(everything, 12)}`));
  });
  return promise;
}
