/**
 * Imports that run: a pod for each of many coordinators, all answered by one server here whose figures
 * move with every answer, which is the dearest case for polls and status writes alike.
 */
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { CsvImportProgress } from '@millrace/crds/csv-import';
import { jobs, pods } from '@millrace/operator/machinery/workload/resource-types';
import { adminPort } from '@millrace/operator/machinery/workload/pod-template';
import type { Result } from '../result.ts';
import type { Bench } from './bench.ts';
import { total } from '../exposition.ts';
import { importName, inParallel, namespace } from './imports.ts';
import { apiCalls, difference, settled, startOperatorProcess } from './operator-process.ts';

const runningMax = 500;

export async function measurePolls(bench: Bench): Promise<readonly Result[]> {
  const running = Math.min(runningMax, bench.options.imports);
  const server = await progressServer();
  try {
    await using operator = await startOperatorProcess(bench, 'polls');
    await operator.ready();
    await settled(operator);
    await inParallel(running, async (index) => createCoordinatorPod(bench, importName(index)));
    // The first answers bring transitions with them; what is measured is the steady state after.
    await delay(15_000);
    const [before, pollsBefore] = [await apiCalls(operator), await pollsOf(operator)];
    const cpuBefore = operator.cpuSeconds();
    const { idleSeconds } = bench.options;
    await delay(idleSeconds * 1_000);
    const calls = difference(await apiCalls(operator), before);
    const polls = (await pollsOf(operator)) - pollsBefore;
    const cpu = ((operator.cpuSeconds() - cpuBefore) / idleSeconds) * 100;
    return [
      {
        what: `${String(running)} imports running, figures moving with every answer`,
        measured: `${(polls / idleSeconds).toFixed(1)} polls/s, ${(calls.statusWrites / idleSeconds).toFixed(1)} status writes/s, ${cpu.toFixed(0)} % of a core`,
        bar: 'shown',
        met: undefined,
      },
    ];
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

async function pollsOf(operator: Awaited<ReturnType<typeof startOperatorProcess>>) {
  return total(await operator.samples(), 'millrace_operator_progress_polls_total');
}

async function progressServer(): Promise<Server> {
  let done = 0;
  const server = createServer((_request, response) => {
    done += 1;
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(progress(done)));
  });
  server.listen(adminPort, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

function progress(done: number): CsvImportProgress {
  return {
    state: 'Loading',
    totals: { read: done, loaded: done, superseded: 0, rejected: 0, comments: 0, blank: 0 },
    bytes: { source: 1e9, planned: 1e9, done },
    chunks: { planned: 60, done: 1, complete: true },
    workers: { wanted: 1, why: 'chunks wait' },
    backends: [{ name: 'postgres', ok: true }],
  };
}

/** What the Job controller and a kubelet would leave behind, as far as the operator looks. */
async function createCoordinatorPod({ api }: Bench, name: string): Promise<void> {
  const job = await api.get(jobs, { namespace, name: `${name}-coordinator` });
  if (job?.metadata.uid === undefined) throw new Error(`${name} has no Job`);
  const { template } = job['spec'] as { template: { metadata: object; spec: object } };
  const metadata = {
    ...template.metadata,
    namespace,
    name: `${name}-coordinator-pod`,
    ownerReferences: [
      {
        apiVersion: jobs.apiVersion,
        kind: jobs.kind,
        name: job.metadata.name,
        uid: job.metadata.uid,
        controller: true,
      },
    ],
  };
  const head = { apiVersion: 'v1', kind: 'Pod' };
  await api.create(pods, { ...head, metadata, spec: template.spec });
  const status = {
    phase: 'Running',
    podIP: '127.0.0.1',
    podIPs: [{ ip: '127.0.0.1' }],
    conditions: [{ type: 'Ready', status: 'True' }],
  };
  const { name: podName } = metadata;
  await api.applyStatus(
    pods,
    { ...head, metadata: { namespace, name: podName }, status },
    { fieldManager: 'bench', force: true },
  );
}
