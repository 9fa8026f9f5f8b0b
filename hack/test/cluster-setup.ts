/**
 * Gives a test run a real Kubernetes API server with controller manager, if the run has
 * `*.cluster.test.ts` files. Runs that overlap on one checkout share it; the last one ends it, and
 * when a run is killed a watcher does.
 *
 * The first run on a host builds the programs, which takes minutes and is shown. Where they cannot be
 * had the suites are skipped with the reason; with CI=true that is a failure.
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

import type { RunningCluster } from '../../operator/test/provided-cluster.ts';
import { findProgram } from '../backends/command.ts';
import { NoPrograms, startControlPlane, type ControlPlane } from '../cluster/control-plane.ts';
import { crdManifests, installManifests } from '../cluster/manifests.ts';

const stateDir = fileURLToPath(new URL('../../.millrace/test', import.meta.url));

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

async function ownServer(): Promise<ControlPlane> {
  return startControlPlane({
    tier: 'b',
    stateDir,
    manifests: await crdManifests(),
    env: process.env,
    log: (line) => console.error(`cluster: ${line}`),
  });
}

/** Undefined when this host cannot have one, which is said; any other failure fails the run. */
async function ownServerOrSkip(suites: number): Promise<ControlPlane | string> {
  try {
    return await ownServer();
  } catch (error) {
    if (!(error instanceof NoPrograms)) throw error;
    const where = 'or name a server for tests in MILLRACE_TEST_KUBECONFIG';
    const reason = `${error.message}, ${where}`;
    if (process.env['CI'] === 'true')
      throw new Error(`cluster tests cannot run: ${reason}`, { cause: error });
    console.error(`${String(suites)} cluster suites are skipped: ${reason}`);
    return reason;
  }
}

/** The name vitest looks for; returns what runs at the end. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const suites = await clusterTests(project);
  const given = process.env['MILLRACE_TEST_KUBECONFIG'] ?? '';
  const nothing = async (): Promise<void> => undefined;
  if (suites.length === 0) {
    project.provide('cluster', { missing: 'this run has no cluster tests' });
    return nothing;
  }
  if (given !== '') {
    const cluster = await givenServer(given);
    await installManifests({ ...cluster, manifests: await crdManifests() });
    project.provide('cluster', cluster);
    return nothing;
  }
  const plane = await ownServerOrSkip(suites.length);
  if (typeof plane === 'string') {
    project.provide('cluster', { missing: plane.split('\n')[0] ?? plane });
    return nothing;
  }
  const { kubeconfig, kubectl, server, caFile, adminTokenFile } = plane;
  project.provide('cluster', { kubeconfig, kubectl, server, caFile, adminTokenFile });
  return async () => plane.stop();
}
