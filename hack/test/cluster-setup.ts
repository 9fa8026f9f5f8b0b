/**
 * Gives a test run a real Kubernetes API server, if the run has `*.cluster.test.ts` files.
 *
 * MILLRACE_TEST_KUBECONFIG names a server to use instead of our own; the tests make and delete
 * namespaces there and install the CRDs, so it must be one for tests. kubectl is then
 * MILLRACE_TEST_KUBECTL or the one on the PATH.
 */
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { TestProject } from 'vitest/node';
import { parse } from 'yaml';

import type { ProvidedCluster, RunningCluster } from '../../operator/test/provided-cluster.ts';
import { findProgram, run } from '../backends/command.ts';

const crdFiles = fileURLToPath(new URL('../../crds/csv-import.yaml', import.meta.url));

async function clusterTests(project: TestProject): Promise<readonly string[]> {
  // Filters of the command line are not part of the public interface; without them all files count.
  const filters: unknown = Reflect.get(project.vitest, 'filenamePattern');
  const names = Array.isArray(filters) ? filters.map(String) : [];
  const { testFiles } = await project.globTestFiles(names);
  return testFiles.filter((path) => path.endsWith('.cluster.test.ts'));
}

interface KubeconfigFile {
  readonly clusters: readonly {
    readonly cluster: { readonly server: string; readonly 'certificate-authority'?: string };
  }[];
}

async function givenServer(kubeconfig: string): Promise<RunningCluster> {
  const kubectl =
    process.env['MILLRACE_TEST_KUBECTL'] ?? (await findProgram('kubectl', process.env));
  if (kubectl === undefined) {
    throw new Error('MILLRACE_TEST_KUBECONFIG needs kubectl on the PATH or MILLRACE_TEST_KUBECTL');
  }
  const { clusters } = parse(await readFile(kubeconfig, 'utf8')) as KubeconfigFile;
  const cluster = clusters[0]?.cluster;
  if (cluster === undefined) throw new Error(`${kubeconfig} names no cluster`);
  const caFile = cluster['certificate-authority'];
  return {
    kubeconfig,
    kubectl,
    server: cluster.server,
    ...(caFile === undefined ? {} : { caFile: resolve(dirname(kubeconfig), caFile) }),
  };
}

async function installCrds({ kubectl, kubeconfig }: RunningCluster): Promise<void> {
  const env = { ...process.env, KUBECONFIG: kubeconfig, KUBECACHEDIR: `${kubeconfig}.cache` };
  await run(kubectl, ['apply', '--server-side', '--force-conflicts', '-f', crdFiles], { env });
  const wait = ['wait', '--for=condition=Established', '--timeout=30s', '-f', crdFiles];
  await run(kubectl, wait, { env });
}

async function provided(): Promise<ProvidedCluster> {
  const kubeconfig = process.env['MILLRACE_TEST_KUBECONFIG'];
  if (kubeconfig === undefined || kubeconfig === '') {
    return { missing: 'no Kubernetes server: MILLRACE_TEST_KUBECONFIG is not set' };
  }
  const cluster = await givenServer(kubeconfig);
  await installCrds(cluster);
  return cluster;
}

/** The name vitest looks for. */
export async function setup(project: TestProject): Promise<void> {
  const suites = await clusterTests(project);
  if (suites.length === 0) {
    project.provide('cluster', { missing: 'this run has no cluster tests' });
    return;
  }
  const cluster = await provided();
  if ('missing' in cluster) {
    if (process.env['CI'] === 'true')
      throw new Error(`cluster tests cannot run: ${cluster.missing}`);
    console.error(`${String(suites.length)} cluster suites are skipped: ${cluster.missing}`);
  }
  project.provide('cluster', cluster);
}
