/**
 * What bundling brings: `node hack/bootstrap.mjs hack/images/measure/main.ts`, as root on Linux.
 *
 * Each program from the sources and from its image, unpacked: how long a start takes (until the end of
 * `--help`, or of a refusal), and how much memory it has. The operator's memory is that of an idle
 * leader on a control plane of its own, ten seconds after it was ready; that of a runtime
 * is what a role holds once its code is loaded. Prints the rows of the table in README.md.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { startControlPlane } from '../../cluster/control-plane.ts';
import { crdManifests } from '../../cluster/manifests.ts';
import { entrypoint } from '../build.ts';
import { root } from '../programs.ts';
import { canUnpack, unpackedImage, type UnpackedImage } from '../test/unpacked-image.ts';

type Start = (args: readonly string[]) => ChildProcess;

const runs = 9;
const idleMs = 10_000;
const startDeadlineMs = 60_000;
const operatorFlags = ['--max-old-space-size=384', '--max-semi-space-size=16'];

function fromSources(...command: readonly string[]): Start {
  return (args) =>
    spawn(process.execPath, [...command, ...args], {
      cwd: root,
      env: {},
      stdio: ['ignore', 'pipe', 'ignore'],
    });
}

function fromImage(image: UnpackedImage, ...command: readonly string[]): Start {
  const pairs = image.config.Env.map((line): [string, string] => {
    const at = line.indexOf('=');
    return [line.slice(0, at), line.slice(at + 1)];
  });
  const { PATH: _, ...env } = Object.fromEntries(pairs);
  return (args) => image.start([...command, ...args], env);
}

async function medianStartMs(start: Start, args: readonly string[]): Promise<number> {
  const times: number[] = [];
  for (let done = 0; done < runs; done++) {
    const startedAt = performance.now();
    const child = start(args);
    child.stdout?.resume();
    await once(child, 'exit');
    times.push(performance.now() - startedAt);
  }
  return times.toSorted((one, other) => one - other)[Math.floor(runs / 2)] ?? 0;
}

async function residentBytes(child: ChildProcess): Promise<number> {
  const text = await readFile(`/proc/${String(child.pid)}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(text)?.[1]) * 1024;
}

/** Memory some time after a line with `mark` was printed. */
async function settledBytes(child: ChildProcess, mark: string, waitMs: number): Promise<number> {
  try {
    let output = '';
    child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const deadline = Date.now() + startDeadlineMs;
    while (!output.includes(mark)) {
      if (Date.now() > deadline) throw new Error(`no "${mark}" in:\n${output}`);
      await delay(20);
    }
    await delay(waitMs);
    return await residentBytes(child);
  } finally {
    child.kill('SIGTERM');
  }
}

/** The bundle's file that a function of the sources became part of. */
async function partWith(image: UnpackedImage, exported: string): Promise<string> {
  const app = join(image.folder, 'app');
  for (const name of await readdir(app)) {
    if (!name.endsWith('.mjs')) continue;
    const text = await readFile(join(app, name), 'utf8');
    if (text.slice(text.lastIndexOf('export{')).includes(exported)) return `/app/${name}`;
  }
  throw new Error(`no part of the bundle exports ${exported}`);
}

function row(what: string, [before, after]: readonly [number, number], unit: string): void {
  console.log(`| ${what} | ${before.toFixed(0)} ${unit} | ${after.toFixed(0)} ${unit} |`);
}

async function measureOperator(): Promise<void> {
  await using image = await unpackedImage('operator');
  const cli = fromSources('operator/src/cli/main.ts');
  const source = fromSources(...operatorFlags, 'operator/src/main.ts');
  const bundle = fromImage(image, ...entrypoint('operator'));
  const bundledCli = fromImage(image, '/usr/local/bin/node', '/app/kubectl-millrace.mjs');
  const help = ['--help'];
  const started = [await medianStartMs(source, help), await medianStartMs(bundle, help)] as const;
  row('operator `--help`', started, 'ms');
  const cliStarted = [
    await medianStartMs(cli, help),
    await medianStartMs(bundledCli, help),
  ] as const;
  row('kubectl-millrace `--help`', cliStarted, 'ms');

  const stateDir = await mkdtemp(join(tmpdir(), 'millrace-measure-'));
  const plane = await startControlPlane({
    tier: 'b',
    stateDir,
    manifests: await crdManifests(),
    env: process.env,
    log: console.error,
  });
  try {
    await image.put('tmp/kubeconfig', await readFile(plane.kubeconfig, 'utf8'));
    const args = ['--runtime-image', 'none', '--admin-port', '0', '--lease-namespace', 'default'];
    const bytes = async (start: Start, kubeconfig: string): Promise<number> =>
      settledBytes(start([...args, '--kubeconfig', kubeconfig]), '"msg":"leading"', idleMs);
    const before = await bytes(source, plane.kubeconfig);
    const after = await bytes(bundle, '/tmp/kubeconfig');
    row('operator, idle leader', [before / 1e6, after / 1e6], 'MB');
  } finally {
    await plane.stop();
    await rm(stateDir, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  }
}

async function measureRuntimes(): Promise<void> {
  await using image = await unpackedImage('runtimes');
  const source = fromSources('runtimes/src/main.ts');
  const bundle = fromImage(image, ...entrypoint('runtimes'));
  const role = ['csv-import', 'worker'];
  const started = [await medianStartMs(source, role), await medianStartMs(bundle, role)] as const;
  row('runtimes, refusing a configuration', started, 'ms');

  const load = (path: string): readonly string[] => [
    '-e',
    `await import('${path}'); console.log('loaded'); setInterval(() => 0, 1000);`,
  ];
  const node = fromImage(image, '/usr/local/bin/node', '--enable-source-maps');
  const part = await partWith(image, 'runCoordinatorRole');
  const path = join(root, 'runtimes/src/csv-import/coordinator/role.ts');
  const before = await settledBytes(fromSources()(load(path)), 'loaded', 1_000);
  const after = await settledBytes(node(load(part)), 'loaded', 1_000);
  row('runtimes, coordinator of csv-import loaded', [before / 1e6, after / 1e6], 'MB');
}

if (!canUnpack) throw new Error('this measures programs in their images, as root on Linux');
console.log('| what | from the sources | from the image |\n| --- | --- | --- |');
await measureOperator();
await measureRuntimes();
