/** The command line as a child process, with what it said and which pods it has. */
import { spawn, type ChildProcess } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CsvImportStatus } from '@millrace/crds/csv-import';
import type { KubeObject } from '@millrace/operator/machinery/kube-api';
import type { Snapshot } from '@millrace/operator/memory/snapshot';
import { isAlive, type ProcessIdentity } from '../../backends/process-identity.ts';
import { readRecord } from '../supervisor/process.ts';

const main = fileURLToPath(new URL('../main.ts', import.meta.url));

export interface PlayProcess {
  readonly child: ChildProcess;
  /** Exit code, or the signal that ended it. */
  readonly exited: Promise<number | string>;
  stdout(): string;
  stderr(): string;
}

/** This process's environment without settings of a developer's running system. */
export function ownEnvironment(): Readonly<Record<string, string | undefined>> {
  const names = Object.keys(process.env).filter((name) => !name.startsWith('MILLRACE_'));
  return Object.fromEntries(names.map((name) => [name, process.env[name]]));
}

export function startPlay(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): PlayProcess {
  const child = spawn(process.execPath, [main, ...args], {
    env: { ...ownEnvironment(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (said.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (said.stderr += chunk.toString()));
  return {
    child,
    exited: new Promise((resolve) => {
      child.once('close', (code, signal) => resolve(code ?? signal ?? 'unknown'));
    }),
    stdout: () => said.stdout,
    stderr: () => said.stderr,
  };
}

export interface JsonLine<Status = CsvImportStatus> {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly status: Status;
  readonly error?: string;
}

export function jsonLines<Status = CsvImportStatus>(text: string): readonly JsonLine<Status>[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as JsonLine<Status>);
}

/** Processes of pods that live now. */
export async function podProcesses(stateDir: string): Promise<readonly ProcessIdentity[]> {
  const root = join(stateDir, 'run');
  const names = await readdir(root).catch(() => []);
  const records = await Promise.all(
    names.map(async (name) => readRecord(join(root, name, 'process.json'))),
  );
  return records.filter((record) => record !== undefined).filter(isAlive);
}

/** The resource as it is on disk. */
export async function savedResource(
  stateDir: string,
  name: string,
): Promise<KubeObject | undefined> {
  try {
    const text = await readFile(join(stateDir, 'objects.json'), 'utf8');
    const { snapshot } = JSON.parse(text) as { readonly snapshot: Snapshot };
    return snapshot.objects
      .map(({ object }) => object)
      .find((object) => object.kind === 'CsvImport' && object.metadata.name === name);
  } catch {
    return undefined;
  }
}
