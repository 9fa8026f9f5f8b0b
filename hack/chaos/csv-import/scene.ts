/**
 * What all rounds share: servers of their own with the settings that play uses, a folder, the file,
 * and eyes on ledger and queue. Nothing of it outlives the run unless it is kept on purpose.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BackendName, RunningBackend } from '../../backends/backend.ts';
import { startBackends } from '../../backends/resolve.ts';
import { writeInput, type Expected } from './input.ts';
import { Observer } from './look.ts';
import type { ChaosOptions } from './options.ts';
import { QueueObserver } from './queue-look.ts';
import type { Random } from '../../load/random.ts';

export interface Scene extends AsyncDisposable {
  readonly options: ChaosOptions;
  readonly folder: string;
  readonly dataDir: string;
  readonly stateDir: string;
  readonly expected: Expected;
  readonly observer: Observer;
  readonly queues: QueueObserver;
  /** For play and its pods: where the servers are. */
  readonly env: Readonly<Record<string, string>>;
  backend(name: BackendName): RunningBackend;
  readonly signal: AbortSignal;
}

export interface SceneOptions {
  readonly options: ChaosOptions;
  readonly random: Random;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}

export const fileName = 'chaos.csv';

export async function openScene({ options, random, signal, log }: SceneOptions): Promise<Scene> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-chaos-'));
  const dataDir = join(folder, 'data');
  await mkdir(dataDir);
  log(`work folder ${folder}`);
  const backends = await startBackends(['postgres', 'rabbitmq', 'redis'], {
    stateDir: join(folder, 'backends'),
    // Given by URL they would be somebody else's, and not ours to kill.
    origins: ['cache', 'path'],
    env: process.env,
    log,
    signal,
  });
  const backend = (name: BackendName): RunningBackend => {
    const found = backends.get(name);
    if (found === undefined) throw new Error(`${name} was not started`);
    return found;
  };
  const expected = await writeInput(join(dataDir, fileName), options.megabytes, random);
  const postgres = backend('postgres');
  const observer = new Observer(postgres.extra.superuserUrl ?? postgres.url);
  const queues = new QueueObserver(backend('rabbitmq').url);
  return {
    options,
    folder,
    dataDir,
    stateDir: join(folder, 'play'),
    expected,
    observer,
    queues,
    backend,
    signal,
    env: {
      ...ownEnvironment(),
      MILLRACE_POSTGRES_URL: postgres.url,
      MILLRACE_POSTGRES_OWNER_URL: postgres.extra.ownerUrl ?? postgres.url,
      MILLRACE_RABBITMQ_URL: backend('rabbitmq').url,
      MILLRACE_REDIS_URL: backend('redis').url,
    },
    [Symbol.asyncDispose]: async () => {
      await observer[Symbol.asyncDispose]();
      await queues[Symbol.asyncDispose]();
      await Promise.allSettled([...backends.values()].map(async (one) => one.stop()));
      if (options.keep) log(`kept ${folder}`);
      else await rm(folder, { recursive: true, force: true });
    },
  };
}

function ownEnvironment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
      value === undefined || name.startsWith('MILLRACE_') ? [] : [[name, value]],
    ),
  );
}
