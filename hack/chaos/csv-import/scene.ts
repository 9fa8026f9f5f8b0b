/**
 * What all rounds share: servers of their own with the settings that play uses, a folder, the file,
 * and eyes on ledger and queue. Nothing of it outlives the run unless it is kept on purpose.
 */
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BackendName, RunningBackend } from '../../backends/backend.ts';
import { identify } from '../../backends/process-identity.ts';
import { startBackends } from '../../backends/resolve.ts';
import { serverRoot } from '../../backends/server-folder.ts';
import { textOf } from './blows.ts';
import { writeInput, type Expected } from './input.ts';
import type { PodPlan } from './links.ts';
import { Observer } from './look.ts';
import type { Variant } from './manifest.ts';
import { openNetwork, type Network } from './network.ts';
import { putObjects } from './objects.ts';
import type { ChaosOptions } from './options.ts';
import { QueueObserver } from './queue-look.ts';
import type { Random } from '../../load/random.ts';
import { SmallDisk } from './small-disk.ts';

export interface Scene extends AsyncDisposable {
  readonly options: ChaosOptions;
  readonly folder: string;
  readonly dataDir: string;
  readonly stateDir: string;
  readonly observer: Observer;
  readonly queues: QueueObserver;
  /** For play and its pods: where the servers are. */
  readonly env: Readonly<Record<string, string>>;
  /** Absent where nothing of it was asked for. */
  readonly network: Network | undefined;
  readonly disk: SmallDisk | undefined;
  backend(name: BackendName): RunningBackend;
  isUp(name: BackendName): boolean;
  postgresLog(): Promise<string>;
  file(variant: Variant): InputFile;
  /** Words of every pod's command before its own arguments. */
  program(variant: Variant): Promise<readonly string[]>;
  readonly signal: AbortSignal;
}

export interface InputFile {
  readonly name: string;
  readonly expected: Expected;
}

export interface SceneOptions {
  readonly options: ChaosOptions;
  readonly random: Random;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}

const podMain = fileURLToPath(new URL('pod-main.ts', import.meta.url));
const deadlyModule = new URL('../../../runtimes/test/deadly.ts', import.meta.url).href;
const names = ['postgres', 'rabbitmq', 'redis', 's3'] as const;

export async function openScene(given: SceneOptions): Promise<Scene> {
  const { options, signal, log } = given;
  const folder = await mkdtemp(join(tmpdir(), 'millrace-chaos-'));
  const dataDir = join(folder, 'data');
  await mkdir(dataDir);
  log(`work folder ${folder}`);
  const stateDir = join(folder, 'backends');
  const disk = options.only.includes('disk') ? await diskUnderPostgres(given, folder) : undefined;
  const backends = await startBackends(names, backendOptions(given, stateDir));
  const backend = (name: BackendName): RunningBackend => {
    const found = backends.get(name);
    if (found === undefined) throw new Error(`${name} was not started`);
    return found;
  };
  const postgres = backend('postgres');
  const network = options.only.includes('network')
    ? await openNetwork({ servers: serverPorts(backend), env: process.env, log })
    : undefined;
  const observer = new Observer(postgres.extra.superuserUrl ?? postgres.url);
  const queues = new QueueObserver(backend('rabbitmq').url);
  const files = await writeFiles(given, dataDir);
  await putObjects(backend('s3'), dataDir, files.plain.name);
  return {
    options,
    folder,
    dataDir,
    stateDir: join(folder, 'play'),
    observer,
    queues,
    network,
    disk,
    backend,
    isUp: (name) => identify(backend(name).pid ?? 0) !== undefined,
    postgresLog: async () => textOf(join(serverRoot(stateDir, 'postgres'), 'server.log')),
    file: ({ isDeadly }) => (isDeadly ? files.deadly : files.plain),
    program: async (variant) => podProgram(folder, variant, network),
    signal,
    env: {
      ...ownEnvironment(),
      MILLRACE_POSTGRES_URL: postgres.url,
      MILLRACE_POSTGRES_OWNER_URL: postgres.extra.ownerUrl ?? postgres.url,
      MILLRACE_RABBITMQ_URL: backend('rabbitmq').url,
      MILLRACE_REDIS_URL: backend('redis').url,
      ...storeEnvironment(backend('s3')),
    },
    [Symbol.asyncDispose]: async () => {
      await observer[Symbol.asyncDispose]();
      await queues[Symbol.asyncDispose]();
      await disk?.clear().catch(() => undefined);
      await Promise.allSettled([...backends.values()].map(async (one) => one.stop()));
      await network?.[Symbol.asyncDispose]();
      if (!options.keep) await disk?.unmount().catch((error: unknown) => log(String(error)));
      if (options.keep) log(`kept ${folder}`);
      else await rm(folder, { recursive: true, force: true }).catch(() => undefined);
    },
  };
}

function backendOptions(
  { log, signal }: SceneOptions,
  stateDir: string,
): Parameters<typeof startBackends>[1] {
  // Given by URL they would be somebody else's, and not ours to kill.
  return { stateDir, origins: ['cache', 'path'], env: process.env, log, signal };
}

/** A first start makes the data, which then moves. */
async function diskUnderPostgres(given: SceneOptions, folder: string): Promise<SmallDisk> {
  const stateDir = join(folder, 'backends');
  const first = await startBackends(['postgres'], backendOptions(given, stateDir));
  await first.get('postgres')?.stop();
  const disk = await SmallDisk.mount(join(folder, 'disk'));
  await disk.take(join(serverRoot(stateDir, 'postgres'), 'data'));
  return disk;
}

function serverPorts(
  backend: (name: BackendName) => RunningBackend,
): Parameters<typeof openNetwork>[0]['servers'] {
  const portOf = (name: BackendName): number => Number(new URL(backend(name).url).port);
  const postgres = portOf('postgres');
  return {
    postgres,
    owner: postgres,
    rabbitmq: portOf('rabbitmq'),
    redis: portOf('redis'),
    s3: portOf('s3'),
  };
}

/** Poison is tried for a minute a record, so its file is smaller. */
const deadlyShare = 6;

async function writeFiles(
  { options, random }: SceneOptions,
  dataDir: string,
): Promise<Readonly<Record<'plain' | 'deadly', InputFile>>> {
  const { megabytes } = options;
  const written = async (name: string, isDeadly: boolean): Promise<InputFile> => {
    const size = {
      megabytes: isDeadly ? Math.max(1, megabytes / deadlyShare) : megabytes,
      isDeadly,
    };
    return { name, expected: await writeInput(join(dataDir, name), size, random) };
  };
  return { plain: await written('chaos.csv', false), deadly: await written('deadly.csv', true) };
}

/** The plan is replaced whole: pods of a round that is over may still be reading it. */
async function podProgram(
  folder: string,
  { isProxied, isDeadly }: Variant,
  network: Network | undefined,
): Promise<readonly string[]> {
  const plan: PodPlan = {
    ports: isProxied ? (network?.ports ?? {}) : {},
    ...(isDeadly ? { deadly: deadlyModule } : {}),
  };
  const file = join(folder, `pods${isProxied ? '-proxied' : ''}${isDeadly ? '-deadly' : ''}.json`);
  await writeFile(`${file}.new`, JSON.stringify(plan));
  await rename(`${file}.new`, file);
  return [podMain, file];
}

function storeEnvironment({ url, extra }: RunningBackend): Record<string, string> {
  return {
    MILLRACE_S3_ENDPOINT: url,
    MILLRACE_S3_REGION: extra.s3?.region ?? '',
    MILLRACE_S3_ACCESS_KEY_ID: extra.s3?.accessKeyId ?? '',
    MILLRACE_S3_SECRET_ACCESS_KEY: extra.s3?.secretAccessKey ?? '',
  };
}

function ownEnvironment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
      value === undefined || name.startsWith('MILLRACE_') ? [] : [[name, value]],
    ),
  );
}
