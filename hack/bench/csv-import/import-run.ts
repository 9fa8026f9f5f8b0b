/**
 * One import, from starting its processes to its verdict, and what it took.
 *
 * The workers are up before the coordinator starts, as with `workers.min`, so the time from first
 * publish to last commit holds no start of a process. Both moments are taken from the processes' own
 * JSON logs; their clock is the same.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { CsvImportPodConfig } from '@millrace/crds/csv-import';
import { columns, key } from './data.ts';
import { startPod, untilLogged, type LogLine, type Pod, type PodUsage } from '../pods.ts';
import type { PodProgram } from '../program.ts';
import { importTable } from './tables.ts';

export interface ImportOptions {
  readonly folder: string;
  readonly file: string;
  readonly workers: number;
  /** By the name of the key in the backends Secret. */
  readonly backends: Readonly<Record<string, string>>;
  readonly profile?: string;
  readonly program: PodProgram;
  /** Columns that are sealed, under SEALING_KEYS of the backends. */
  readonly sealed?: readonly string[];
}

export interface ImportResult {
  /** From first publish to last commit. */
  readonly seconds: number;
  /** From the start of the coordinator's process to its end. */
  readonly wallSeconds: number;
  /** Chunks by the path they were loaded on. */
  readonly paths: Readonly<Record<string, number>>;
  readonly workers: readonly PodUsage[];
}

const mebibyte = 1_048_576;
/** The longest that a benchmark's import may take before it counts as stuck. */
const importLimitMs = 1_800_000;

export async function runImport(options: ImportOptions): Promise<ImportResult> {
  const { profile, program, workers: count } = options;
  const folder = join(options.folder, 'pods');
  const config = podConfig(options, await writeBackends(folder, options.backends));
  const shared = {
    kind: 'csv-import',
    folder,
    config,
    program,
    ...(profile === undefined ? {} : { profile }),
  };
  const pods: Pod[] = [];
  try {
    for (let index = 0; index < count; index += 1) {
      pods.push(await startPod({ ...shared, role: 'worker', name: `worker-${String(index)}` }));
    }
    const workers = [...pods];
    await Promise.all(workers.map((pod) => untilLogged(pod, (lines) => lines[0])));
    const startMs = performance.now();
    const coordinator = await startPod({ ...shared, role: 'coordinator', name: 'coordinator' });
    pods.push(coordinator);
    await ended(coordinator);
    const wallSeconds = (performance.now() - startMs) / 1000;
    const usages = await Promise.all(workers.map((pod) => pod.usage()));
    const lines = await Promise.all(pods.map((pod) => pod.lines()));
    return {
      ...timesOf(lines.flat()),
      wallSeconds,
      workers: usages.filter((usage) => usage !== undefined),
    };
  } finally {
    await Promise.all(pods.map((pod) => pod.stop()));
  }
}

async function writeBackends(
  folder: string,
  backends: Readonly<Record<string, string>>,
): Promise<string> {
  const backendsDir = join(folder, 'backends');
  await mkdir(backendsDir, { recursive: true });
  for (const [name, url] of Object.entries(backends)) {
    await writeFile(join(backendsDir, name), url, { mode: 0o600 });
  }
  return backendsDir;
}

/** The operator's defaults, and debug logs for the times of chunks. */
function podConfig(options: ImportOptions, backendsDir: string): CsvImportPodConfig {
  const { file } = options;
  const bind = { host: '127.0.0.1', port: 0 };
  return {
    import: { uid: randomUUID(), namespace: 'bench', name: 'bench' },
    source: { volume: { mountPath: dirname(file), path: basename(file) } },
    format: options.sealed === undefined ? {} : { header: 'Present' },
    columns: columns.map(({ name, type }) => ({
      name,
      type,
      ...(options.sealed?.includes(name) === true ? { sealed: true } : {}),
    })),
    target: { table: importTable, key: [key], onConflict: 'LatestWins', adopt: false },
    rejects: { maxRows: 0, maxPercent: 0 },
    cache: { mode: 'Off', ttlMs: 120_000 },
    serve: { enabled: false, filters: [] },
    chunkBytes: 16 * mebibyte,
    maxRecordBytes: 16 * mebibyte,
    bind: { admin: bind, http: bind },
    backendsDir,
    terminationLog: '',
    graceMs: 10_000,
    logLevel: 'debug',
  };
}

async function ended(coordinator: Pod): Promise<void> {
  const timeout = AbortSignal.timeout(importLimitMs);
  const late = new Promise<never>((_resolve, reject) => {
    timeout.addEventListener('abort', () => reject(new Error('the import does not end')));
  });
  const { code } = await Promise.race([coordinator.exited, late]);
  if (code === 0) return;
  const last = (await coordinator.lines()).at(-1);
  throw new Error(`the coordinator ended with ${String(code)}: ${JSON.stringify(last)}`);
}

function timesOf(lines: readonly LogLine[]): Pick<ImportResult, 'seconds' | 'paths'> {
  const published = lines.filter(({ msg }) => msg.startsWith('chunks published'));
  const loaded = lines.filter(({ msg }) => msg === 'chunk loaded');
  const first = Math.min(...published.map(({ timeMs }) => timeMs));
  const last = Math.max(...loaded.map(({ timeMs }) => timeMs));
  if (!(last > first)) throw new Error('the logs do not say when chunks were published and loaded');
  const paths: Record<string, number> = {};
  for (const line of loaded) {
    const path = String(line['path']);
    paths[path] = (paths[path] ?? 0) + 1;
  }
  return { seconds: (last - first) / 1000, paths };
}
