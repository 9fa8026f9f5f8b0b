/** A worker of a pipeline as a process of its own, for what only a process can do: freeze and die. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { IncrementPipelinePodConfig } from '@millrace/crds/increment-pipeline';
import { given } from './backends.ts';
import type { PreparedPipeline } from './increment-worker.ts';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

export interface RoleProcess extends AsyncDisposable {
  readonly pid: number;
  signal(name: NodeJS.Signals): void;
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals | null>;
  stderr(): string;
}

export async function roleProcess(
  pipeline: Pick<PreparedPipeline, 'server'>,
  role: string,
  config: IncrementPipelinePodConfig,
): Promise<RoleProcess> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-role-'));
  const file = join(folder, 'config.json');
  await writeFile(file, JSON.stringify({ ...config, backendsDir: folder }));
  const child = spawn(process.execPath, [main, 'increment-pipeline', role], {
    env: {
      PATH: process.env['PATH'],
      MILLRACE_CONFIG: file,
      POSTGRES_URL: pipeline.server.appUrl,
      POSTGRES_OWNER_URL: pipeline.server.ownerUrl,
      REDIS_URL: given('redis').url,
      LOG_LEVEL: 'warn',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (bytes: Buffer) => {
      output = (output + bytes.toString()).slice(-10_000);
    });
  }
  const ended = once(child, 'exit').then(
    ([code, signal]) => (code ?? signal) as number | NodeJS.Signals | null,
  );
  const { pid } = child;
  if (pid === undefined) throw new Error('the role could not be started');
  return {
    pid,
    ended,
    signal: (name) => void child.kill(name),
    stderr: () => output,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
