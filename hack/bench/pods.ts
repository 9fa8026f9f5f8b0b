/**
 * Roles as child processes, each started as its pod starts it: the one entry point, a configuration
 * file and a folder of backends. They end when the benchmark ends, however it does.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { hostEnvironment } from '../play/supervisor/local-container.ts';
import type { PodProgram } from './program.ts';
import { startProcess, type Exit, type RunningProcess } from '../play/supervisor/process.ts';

const entry = fileURLToPath(new URL('../../runtimes/src/main.ts', import.meta.url));

export interface LogLine {
  readonly timeMs: number;
  readonly msg: string;
  readonly [key: string]: unknown;
}

export interface Pod {
  readonly pid: number;
  readonly exited: Promise<Exit>;
  /** What it has logged so far. */
  lines(): Promise<readonly LogLine[]>;
  /** Its CPU seconds and the most memory it ever held, or undefined when it is gone. */
  usage(): Promise<PodUsage | undefined>;
  stop(): Promise<void>;
  /** Without a chance to drain. */
  kill(): Promise<void>;
}

export interface PodUsage {
  readonly cpuSeconds: number;
  readonly peakBytes: number;
  readonly residentBytes: number;
}

export interface PodOptions {
  /** The runtime, such as csv-import. */
  readonly kind: string;
  readonly role: string;
  /** Also the name of its files. */
  readonly name: string;
  readonly folder: string;
  /** As the operator writes it; where it logs its end is added here. */
  readonly config: object;
  readonly profile?: string;
  /** What the operator sets beside. */
  readonly env?: Readonly<Record<string, string>>;
  /** The sources if left out. */
  readonly program?: PodProgram;
}

export async function startPod(options: PodOptions): Promise<Pod> {
  const { kind, role, name, folder, config, profile } = options;
  const program = options.program ?? { words: [entry], env: {} };
  await mkdir(folder, { recursive: true });
  const configFile = join(folder, `${name}.json`);
  const logFile = join(folder, `${name}.log`);
  const own = { ...config, terminationLog: join(folder, `${name}.end`) };
  await writeFile(configFile, JSON.stringify(own));
  await writeFile(logFile, '');
  const running = await startProcess({
    program: [...profileFlags(profile, name), ...program.words],
    command: {
      args: [kind, role],
      env: {
        ...hostEnvironment(process.env),
        ...program.env,
        ...options.env,
        MILLRACE_CONFIG: configFile,
      },
    },
    cwd: folder,
    logFile,
    recordFile: join(folder, `${name}.pid`),
  });
  return podOf(running, logFile);
}

function profileFlags(folder: string | undefined, name: string): readonly string[] {
  if (folder === undefined) return [];
  return ['--cpu-prof', `--cpu-prof-dir=${folder}`, `--cpu-prof-name=${name}.cpuprofile`];
}

function podOf(running: RunningProcess, logFile: string): Pod {
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    running.kill(signal);
    await running.exited;
  };
  return {
    pid: running.pid,
    exited: running.exited,
    lines: () => readLines(logFile),
    usage: () => readUsage(running.pid),
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
  };
}

async function readLines(logFile: string): Promise<readonly LogLine[]> {
  const text = await readFile(logFile, 'utf8');
  return text.split('\n').flatMap((line) => {
    if (!line.startsWith('{')) return [];
    const parsed = JSON.parse(line) as { time: string; msg: string };
    return [{ ...parsed, timeMs: Date.parse(parsed.time) }];
  });
}

/** Linux counts all of it; elsewhere the report leaves them out. */
export async function readUsage(pid: number): Promise<PodUsage | undefined> {
  try {
    const status = await readFile(`/proc/${String(pid)}/status`, 'utf8');
    const stat = await readFile(`/proc/${String(pid)}/stat`, 'utf8');
    const kib = (name: string): number =>
      Number(new RegExp(`^${name}:\\s+(?<kib>\\d+)`, 'm').exec(status)?.groups?.['kib']);
    const [user, system] = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .slice(11, 13);
    // The kernel counts in hundredths of a second on every platform that Node runs on.
    return {
      peakBytes: kib('VmHWM') * 1024,
      residentBytes: kib('VmRSS') * 1024,
      cpuSeconds: (Number(user) + Number(system)) / 100,
    };
  } catch {
    return undefined;
  }
}

const pollMs = 50;

/** Polls until `find` finds something; throws when the pod ended before. */
export async function untilLogged<T>(
  pod: Pod,
  find: (lines: readonly LogLine[]) => T | undefined,
): Promise<T> {
  let exit: Exit | undefined;
  void pod.exited.then((value) => (exit = value));
  for (;;) {
    const ended = exit;
    const lines = await pod.lines();
    const found = find(lines);
    if (found !== undefined) return found;
    if (ended !== undefined) {
      throw new Error(`a pod ended with ${JSON.stringify(ended)}: ${JSON.stringify(lines.at(-1))}`);
    }
    await delay(pollMs);
  }
}
