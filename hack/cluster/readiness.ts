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

interface Answer {
  readonly code: number;
  readonly body: string;
}

async function ask({ files, server }: Answering, path: string): Promise<Answer> {
  const ca = await readFile(files.caFile);
  const token = await readFile(files.adminTokenFile, 'utf8');
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const headers = { authorization: `Bearer ${token}` };
  const sent = request(new URL(path, server), { ca, headers, agent: false }, (response) => {
    let body = '';
    response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    response.once('error', reject);
    response.once('end', () => resolve({ code: response.statusCode ?? 0, body }));
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

/** Returns when the check says undefined, fails with what it said last, or at once when a program ends. */
export async function waitUntil(
  answering: Answering,
  signal: AbortSignal | undefined,
  check: () => Promise<string | undefined>,
): Promise<void> {
  const deadline = Date.now() + startDeadlineMs;
  for (;;) {
    signal?.throwIfAborted();
    await throwIfEnded(answering);
    const lacking = await check();
    if (lacking === undefined) return;
    if (Date.now() > deadline) {
      const last = answering.processes.at(-1)?.role ?? 'kube-apiserver';
      throw new Error(
        `${lacking} after ${String(startDeadlineMs / 1000)} s; the log of ${last} ends with:\n` +
          (await logEnd(answering.files.root, last)),
      );
    }
    await delay(pollMs);
  }
}

export interface Awaited {
  readonly signal?: AbortSignal | undefined;
  /** Says whether the answer is the one waited for; any 200 is, unless told otherwise. */
  readonly accepts?: (body: string) => boolean;
}

/** Returns when a GET of that path, as the administrator, answers 200 with what is waited for. */
export async function waitForAnswer(
  answering: Answering,
  path: string,
  { signal, accepts = () => true }: Awaited = {},
): Promise<void> {
  await waitUntil(answering, signal, async () => {
    const { code, body } = await ask(answering, path).catch(() => ({ code: 0, body: '' }));
    if (code === 200 && accepts(body)) return undefined;
    return `no 200 from ${path} with what is waited for (the last answer was ${String(code)})`;
  });
}

/** Returns when each of the programs says, at its own address, that it is ready. */
export async function waitForPrograms(
  answering: Answering,
  urls: Readonly<Record<string, string>>,
  signal?: AbortSignal,
): Promise<void> {
  for (const [program, url] of Object.entries(urls)) {
    await waitUntil(answering, signal, async () => {
      const options = { signal: AbortSignal.timeout(answerDeadlineMs) };
      const answer = await fetch(url, options).catch(() => undefined);
      await answer?.body?.cancel();
      return answer?.ok === true ? undefined : `${program} is not ready`;
    });
  }
}
