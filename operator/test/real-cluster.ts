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

import { loadConnection } from '../src/kube/connection.ts';
import { createHttpApi } from '../src/kube/http-api.ts';
import type { KubeApi, ResourceType } from '../src/machinery/kube-api.ts';
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

/** The controller manager needs milliseconds, and on a host that builds something else seconds. */
const accountDeadlineMs = 60_000;

const namespaces: ResourceType = { apiVersion: 'v1', kind: 'Namespace', plural: 'namespaces' };
const accounts: ResourceType = {
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
};

/** Pods are refused until the controller manager has made the namespace's `default` account. */
async function waitForServiceAccount(api: KubeApi, namespace: string): Promise<void> {
  const deadline = Date.now() + accountDeadlineMs;
  while ((await api.get(accounts, { namespace, name: 'default' })) === undefined) {
    if (Date.now() > deadline) throw new Error(`no service account appeared in ${namespace}`);
    await delay(20);
  }
}

async function makeNamespace(api: KubeApi): Promise<string> {
  const name = `test-${randomBytes(6).toString('hex')}`;
  const metadata = { name, namespace: '' };
  await api.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata });
  await waitForServiceAccount(api, name);
  return name;
}

/** A fresh namespace with a random name. */
export async function realNamespace(): Promise<RealNamespace> {
  const { kubeconfig } = givenCluster();
  const connection = await loadConnection({ kubeconfig, env: process.env });
  const api = createHttpApi({ connection, clock: systemClock });
  const namespace = await makeNamespace(api);
  return {
    namespace,
    api,
    kubeconfig,
    kubectl: async (args, input) => runKubectl([`--namespace=${namespace}`, ...args], input),
    async [Symbol.asyncDispose]() {
      await api.delete(namespaces, { namespace: '', name: namespace });
      await api.close();
    },
  };
}
