/**
 * Waits until the API server answers, and fails at once when a program has ended: its last lines say
 * why, and nobody should sit through a deadline to read them.
 */
import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { lastLines } from '../backends/command.ts';
import { isAlive } from '../backends/process-identity.ts';
import type { RunningProcess } from '../backends/server-folder.ts';
import type { ClusterFiles } from './pki.ts';

export interface Answering {
  readonly files: ClusterFiles;
  readonly server: string;
  readonly processes: readonly RunningProcess[];
}

/** Three seconds on an idle host; a host that is busy with other tests may need many times that. */
const startDeadlineMs = 90_000;
const answerDeadlineMs = 3_000;
const pollMs = 50;
const shownLines = 20;

export function logFile(root: string, program: string): string {
  return join(root, 'logs', `${program}.log`);
}

async function status({ files, server }: Answering, path: string): Promise<number> {
  const ca = await readFile(files.caFile);
  const token = await readFile(files.adminTokenFile, 'utf8');
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const headers = { authorization: `Bearer ${token}` };
  const sent = request(new URL(path, server), { ca, headers, agent: false }, (response) => {
    response.resume();
    resolve(response.statusCode ?? 0);
  });
  sent.setTimeout(answerDeadlineMs, () => sent.destroy(new Error('no answer in time')));
  sent.once('error', reject);
  sent.end();
  return promise;
}

async function logEnd(root: string, program: string): Promise<string> {
  return lastLines(await readFile(logFile(root, program), 'utf8').catch(() => ''), shownLines);
}

/** Why a cluster does not start when one of its programs has ended. */
export async function whyEnded(root: string, program: string): Promise<string> {
  const end = await logEnd(root, program);
  return `${program} ended while the cluster started; its log ends with:\n${end}`;
}

async function throwIfEnded({ files, processes }: Answering): Promise<void> {
  const ended = processes.find((process) => !isAlive(process));
  if (ended !== undefined) throw new Error(await whyEnded(files.root, ended.role));
}

/** Returns when a GET of that path, as the administrator, answers 200. */
export async function waitForAnswer(
  answering: Answering,
  path: string,
  signal?: AbortSignal,
): Promise<void> {
  const deadline = Date.now() + startDeadlineMs;
  for (;;) {
    signal?.throwIfAborted();
    await throwIfEnded(answering);
    const code = await status(answering, path).catch(() => 0);
    if (code === 200) return;
    if (Date.now() > deadline) {
      const last = answering.processes.at(-1)?.role ?? 'kube-apiserver';
      throw new Error(
        `no 200 from ${path} after ${String(startDeadlineMs / 1000)} s (the last answer was ` +
          `${String(code)}); the log of ${last} ends with:\n${await logEnd(answering.files.root, last)}`,
      );
    }
    await delay(pollMs);
  }
}
