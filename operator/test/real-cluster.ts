/**
 * The real API server of a test run, cut into namespaces so that test files run side by side.
 *
 *   describeOnCluster('the reflector', () => {
 *     it('…', async () => {
 *       await using cluster = await realNamespace();
 *
 * The server has no node and no kubelet: pods stay Pending until the test itself writes their
 * status. Disposing asks for the namespace to be deleted and does not wait for it, since that takes
 * seconds and no other test can see what is in it.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

import { systemClock } from '@millrace/kit/clock';
import { describe, inject } from 'vitest';

import type { KubeApi } from '../src/machinery/kube-api.ts';
import type { RunningCluster } from './provided-cluster.ts';

export interface KubectlResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

export interface RealNamespace extends AsyncDisposable {
  readonly namespace: string;
  readonly api: KubeApi;
  readonly kubeconfig: string;
  /** Runs in this namespace unless the arguments name another; never throws for an exit code. */
  kubectl(args: readonly string[], input?: string): Promise<KubectlResult>;
}

/** A suite that needs the real server; without one it is skipped, and its name says why. */
export function describeOnCluster(name: string, body: () => void): void {
  const cluster = inject('cluster');
  if ('missing' in cluster) describe.skip(`${name} (${cluster.missing})`, body);
  else describe(name, body);
}

/** The server itself, for tests that open connections of their own. */
export function givenCluster(): RunningCluster {
  const cluster = inject('cluster');
  if ('missing' in cluster) {
    throw new Error(`guard this suite with describeOnCluster: ${cluster.missing}`);
  }
  return cluster;
}

async function runKubectl(args: readonly string[], input?: string): Promise<KubectlResult> {
  const { kubectl, kubeconfig } = givenCluster();
  const child = spawn(kubectl, args, {
    // The discovery cache would otherwise be written into the home folder.
    env: { ...process.env, KUBECONFIG: kubeconfig, KUBECACHEDIR: `${kubeconfig}.cache` },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  // A command that ends without reading its input breaks the pipe; its exit code tells more.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input ?? '');
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  child.once('error', reject);
  child.once('close', (code) => resolve(code ?? -1));
  return { exitCode: await promise, stdout, stderr };
}

async function mustRun(args: readonly string[]): Promise<void> {
  const { exitCode, stderr } = await runKubectl(args);
  if (exitCode !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
}

interface ClosableApi extends KubeApi {
  close(): Promise<void>;
}

async function openApi(kubeconfig: string): Promise<ClosableApi> {
  // By address and not by import until both modules are there.
  const load = async (path: string): Promise<unknown> =>
    import(new URL(path, import.meta.url).href);
  const connections = (await load('../src/kube/connection.ts')) as {
    loadConnection: (options: { kubeconfig: string; env: NodeJS.ProcessEnv }) => Promise<unknown>;
  };
  const apis = (await load('../src/kube/http-api.ts')) as {
    createHttpApi: (options: { connection: unknown; clock: typeof systemClock }) => ClosableApi;
  };
  const connection = await connections.loadConnection({ kubeconfig, env: process.env });
  return apis.createHttpApi({ connection, clock: systemClock });
}

/** Pods are refused until the controller manager has made the namespace's `default` account. */
async function waitForServiceAccount(namespace: string): Promise<void> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const { exitCode } = await runKubectl(['get', 'serviceaccount/default', '-n', namespace]);
    if (exitCode === 0) return;
    if (Date.now() > deadline) throw new Error(`no service account appeared in ${namespace}`);
    await delay(50);
  }
}

/** A fresh namespace with a random name. */
export async function realNamespace(): Promise<RealNamespace> {
  const { kubeconfig } = givenCluster();
  const namespace = `test-${randomBytes(6).toString('hex')}`;
  await mustRun(['create', 'namespace', namespace]);
  await waitForServiceAccount(namespace);
  let api: ClosableApi | undefined;
  let problem: unknown;
  try {
    api = await openApi(kubeconfig);
  } catch (error) {
    problem = error;
  }
  return {
    namespace,
    get api() {
      if (api === undefined) throw problem;
      return api;
    },
    kubeconfig,
    kubectl: async (args, input) => runKubectl([`--namespace=${namespace}`, ...args], input),
    async [Symbol.asyncDispose]() {
      await api?.close();
      await mustRun(['delete', 'namespace', namespace, '--wait=false']);
    },
  };
}
