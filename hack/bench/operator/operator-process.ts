/**
 * The operator as a process of its own, as a Deployment would run it, and what can be seen of it from
 * outside: its admin port, and what the kernel says of its memory and CPU time.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import manifest from '../../../package.json' with { type: 'json' };
import { portAllocator } from '../../play/supervisor/free-port.ts';
import type { Bench } from './bench.ts';
import { samplesOf, total, type Sample } from '../exposition.ts';

const entry = fileURLToPath(new URL('../../../operator/src/main.ts', import.meta.url));
const freePort = portAllocator();
/** As `npm run operator` starts it: the flags of its own script. */
const nodeFlags = manifest.scripts.operator.split(' ').filter((word) => word.startsWith('--'));
const clockTicksPerSecond = 100;
/** Thousands of imports at once keep one API server on two cores busy for ten minutes. */
const deadlineMs = 1_800_000;
const pollMs = 50;

export interface OperatorProcess extends AsyncDisposable {
  readonly child: ChildProcess;
  readonly startedAtMs: number;
  readonly url: string;
  samples(): Promise<readonly Sample[]>;
  /** Resolves to the milliseconds since the start at which it was ready. */
  ready(): Promise<number>;
  /** Greatest resident size so far, in bytes. */
  peakBytes(): number;
  cpuSeconds(): number;
}

export async function startOperatorProcess(bench: Bench, name: string): Promise<OperatorProcess> {
  const port = await freePort();
  const log = openSync(join(bench.folder, `${name}.log`), 'w');
  const startedAtMs = performance.now();
  const child = spawn(process.execPath, [...nodeOptions(bench), entry, ...flags(bench, port)], {
    stdio: ['ignore', log, log],
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'] },
  });
  closeSync(log);
  const url = `http://127.0.0.1:${String(port)}`;
  return {
    child,
    startedAtMs,
    url,
    samples: async () => samplesOf(await (await fetch(`${url}/metrics`)).text()),
    ready: async () => {
      await until(`${name} is ready`, async () => (await statusOf(`${url}/readyz`)) === 200, child);
      return performance.now() - startedAtMs;
    },
    peakBytes: () => Number(/VmHWM:\s+(\d+)/.exec(procFile(child, 'status'))?.[1] ?? 0) * 1_024,
    cpuSeconds: () => cpuSeconds(procFile(child, 'stat')),
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}

function nodeOptions({ options, folder }: Bench): readonly string[] {
  const profile = options.profile ? ['--cpu-prof', `--cpu-prof-dir=${folder}`] : [];
  return [...nodeFlags, ...profile];
}

function flags({ controlPlane }: Bench, port: number): readonly string[] {
  return [
    '--kubeconfig',
    controlPlane.kubeconfig,
    '--runtime-image',
    'registry.example/millrace-runtimes:bench',
    '--all-namespaces',
    '--lease-namespace',
    'default',
    '--admin-host',
    '127.0.0.1',
    '--admin-port',
    String(port),
  ];
}

function procFile({ pid }: ChildProcess, file: string): string {
  return readFileSync(`/proc/${String(pid)}/${file}`, 'utf8');
}

/** User and system time, fields 14 and 15; the command before them may hold spaces. */
function cpuSeconds(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / clockTicksPerSecond;
}

async function statusOf(url: string): Promise<number> {
  try {
    const response = await fetch(url);
    await response.body?.cancel();
    return response.status;
  } catch {
    return 0;
  }
}

/** Polls; fails when the process ends first or the deadline passes. */
export async function until(
  what: string,
  isTrue: () => Promise<boolean>,
  child?: ChildProcess,
): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  while (!(await isTrue())) {
    if (child !== undefined && child.exitCode !== null) {
      throw new Error(`the operator ended with ${String(child.exitCode)} before ${what}`);
    }
    if (performance.now() > deadline) throw new Error(`waited too long until ${what}`);
    await delay(pollMs);
  }
}

/** What has been asked of the API server, by what the operator itself counts. */
export interface ApiCalls {
  readonly all: number;
  readonly writes: number;
  readonly statusWrites: number;
  readonly lists: number;
  readonly throttled: number;
}

const readVerbs = new Set(['get', 'list', 'watch']);

export async function apiCalls(operator: OperatorProcess): Promise<ApiCalls> {
  const samples = await operator.samples();
  const count = (accepts: (labels: Sample['labels']) => boolean): number =>
    total(samples, 'millrace_operator_api_calls_total', accepts);
  return {
    all: count(({ verb }) => verb !== 'watch'),
    writes: count(({ verb = '' }) => !readVerbs.has(verb)),
    statusWrites: count(({ verb }) => verb === 'applyStatus'),
    lists: count(({ verb }) => verb === 'list'),
    throttled: count(({ code }) => code === '429'),
  };
}

/** Which writes they were, for whoever looks for the reason of one too many. */
export async function writesInWords(operator: OperatorProcess): Promise<string> {
  const writes = (await operator.samples()).filter(
    ({ name, labels }) =>
      name === 'millrace_operator_api_calls_total' && !readVerbs.has(labels['verb'] ?? ''),
  );
  return `writes: ${writes.map(({ labels, value }) => `${JSON.stringify(labels)} ${String(value)}`).join('; ')}`;
}

export function difference(after: ApiCalls, before: ApiCalls): ApiCalls {
  return {
    all: after.all - before.all,
    writes: after.writes - before.writes,
    statusWrites: after.statusWrites - before.statusWrites,
    lists: after.lists - before.lists,
    throttled: after.throttled - before.throttled,
  };
}

/** Resolves when nothing has been queued for a second. */
export async function settled(operator: OperatorProcess): Promise<void> {
  let quietSince = performance.now();
  let before = -1;
  await until(
    'the queue is empty',
    async () => {
      const samples = await operator.samples();
      const passes = total(samples, 'millrace_operator_reconcile_total');
      const depth = total(samples, 'millrace_operator_queue_depth');
      if (depth > 0 || passes !== before) quietSince = performance.now();
      before = passes;
      return performance.now() - quietSince > 1_000;
    },
    operator.child,
  );
}
